import TensorCore
import Testing

@testable import Checkpoints

/// Pickles typed by hand, opcode by opcode.
@Suite struct PickleMachineTests {
    func run(_ bytes: [UInt8]) throws -> PickleGraph {
        var reader = ByteReader(ByteRegion(bytes))
        return try PickleMachine.run(&reader)
    }

    func run(_ text: String) throws -> PickleGraph { try run(Array(text.utf8)) }

    struct NoStorages: StorageProvider {
        func storage(key: String, byteCount: Int) throws -> TensorStorage {
            throw CheckpointError(.damaged, "there are none")
        }
    }

    @Test func aCallIsRecordedAndNotMade() throws {
        // cos\nsystem\n(S'touch /tmp/pwned'\ntR.
        let graph = try run("cos\nsystem\n(S'touch /tmp/pwned'\ntR.")
        let call = try #require(graph.instance(graph.root))
        #expect(graph.global(call.callable) == PickleGlobal(module: "os", name: "system"))
        #expect(graph.tuple(call.arguments) == [.text("touch /tmp/pwned")])
        let contents = try ObjectListing(of: graph, storages: NoStorages()).contents
        #expect(contents.globals == ["os.system"] && contents.tensors.isEmpty)
        #expect(contents.others.first == OtherEntry("tensor", type: "os.system"))
    }

    @Test func theMemoKeepsIdentity() throws {
        // [a, a] with a = [], and 7 appended to a afterwards through the memo.
        let graph = try run("(lp0\n(lp1\nag1\nag1\nI7\na0.")
        let values = try #require(graph.sequence(graph.root))
        #expect(values.count == 2 && values[0] == values[1])
        #expect(graph.sequence(values[0]) == [.integer(7)])
    }

    @Test func integersOfEveryWidth() throws {
        func value(_ bytes: [UInt8]) throws -> PickleValue { try run(bytes + [0x2E]).root }
        #expect(try value([0x4B, 200]) == .integer(200))
        #expect(try value([0x4A, 0xFE, 0xFF, 0xFF, 0xFF]) == .integer(-2))
        #expect(try value([0x8A, 0]) == .integer(0))
        #expect(try value([0x8A, 2, 0x00, 0x80]) == .integer(-32768))
        #expect(try value([0x8A, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1]) == .wideInteger("0x010000000000000000"))
        #expect(try value(Array("L12345678901234567890L\n".utf8)) == .wideInteger("12345678901234567890"))
        #expect(try value(Array("I01\n".utf8)) == .bool(true))
    }

    @Test(arguments: [
        "", "(", "N", ".", "0.", "a.", "NN.", "g5\n.", "h", "R.", "(t", "}Ns.", "Nb.", "\u{7F}.", "I12x\n.",
        "S'abc\n.",
        "c", "cos\n", "e.", "(e.", "]N1.", "p\n.",
    ])
    func whatCannotBeFollowedIsAnError(_ text: String) {
        #expect(throws: (any Error).self) { try run(text) }
    }

    @Test func depthIsCappedWithoutACrash() throws {
        let deep =
            [UInt8](repeating: 0x5D, count: 200_000) + [UInt8](repeating: 0x61, count: 199_999) + [0x2E]
        let graph = try run(deep)
        #expect(throws: CheckpointError.self) { try ObjectListing(of: graph, storages: NoStorages()) }
    }

    @Test func whatRefersToItselfIsFollowedOnce() throws {
        let graph = try run("(lp0\ng0\naI5\na.")
        #expect(try ObjectListing(of: graph, storages: NoStorages()).contents.others.map(\.value) == ["5"])
    }

    /// Thirty lists, each holding the next twice: a few hundred bytes that stand for a billion entries.
    @Test func referencesThatMultiplyAreCapped() throws {
        var text = "(lp0\nNa"
        for level in 1...30 { text += "(lp\(level)\ng\(level - 1)\nag\(level - 1)\na" }
        let graph = try run("(" + text + "l.")
        #expect(throws: CheckpointError.self) { try ObjectListing(of: graph, storages: NoStorages()) }
    }

    @Test func aTensorWithoutItsStorageIsDamaged() throws {
        // torch._utils._rebuild_tensor_v2(None, 0, (1,), (1,))
        let graph = try run("ctorch._utils\n_rebuild_tensor_v2\n(NI0\n(I1\nt(I1\nttR.")
        let error = #expect(throws: CheckpointError.self) {
            try ObjectListing(of: graph, storages: NoStorages())
        }
        #expect(error?.detail.contains("no storage") == true)
    }
}
