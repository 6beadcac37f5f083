import Checkpoints
import TensorCore
import TestSupport
import Testing

/// Files that are made to harm: each is refused in words that say what is wrong, or read with what it calls kept inert.
@Suite struct AttackTests {
    /// A row of `Fixtures/attacks/index.json`.
    struct Attack: Sendable, CustomTestStringConvertible {
        let file: String
        /// The tensors that are listed; nil where the file is refused.
        let tensors: [String]?
        /// Types of what is listed beside, by name.
        let others: [JSONValue.Member]
        let globals: [String]?
        /// The kind of the error, and words of it.
        let kind: String?
        let says: String
        var testDescription: String { file }

        init?(_ row: JSONValue) {
            guard let file = row["file"]?.string else { return nil }
            self.file = file
            tensors = row["tensors"]?.array?.compactMap(\.string)
            others = row["others"]?.members ?? []
            globals = row["globals"]?.array?.compactMap(\.string)
            kind = row["kind"]?.string
            says = row["says"]?.string ?? ""
        }

        func expect(_ error: CheckpointError?) {
            let message = error?.description ?? ""
            #expect(kind == "any" || error.map { "\($0.kind)" } == kind, "\(message.prefix(400))")
            #expect(says.isEmpty || message.contains(says), "\(message.prefix(400))")
            #expect(message.utf8.count < 2000 && !message.contains("\n"), "a message that people can read")
        }
    }

    static let attacks =
        ((try? JSONParser.parse(Fixtures.bytes("attacks/index.json")))?["attacks"]?.array ?? [])
        .compactMap(Attack.init)

    @Test func attacksAreThere() {
        #expect(Self.attacks.count > 160)
        #expect(
            Set(Self.attacks.map { "attacks/" + $0.file } + ["attacks/index.json"])
                == Set(Fixtures.list("attacks")))
    }

    @Test(arguments: attacks)
    func harmsNobody(_ attack: Attack) throws {
        let path = Fixtures.path("attacks/" + attack.file)
        if let tensors = attack.tensors {
            let checkpoint = try Checkpoint(path: path)
            // Compared as bytes: "é" has two spellings that Swift takes for one.
            #expect(checkpoint.tensors.map { Array($0.name.utf8) } == tensors.map { Array($0.utf8) })
            for other in attack.others {
                let entry = checkpoint.others.first { $0.name == other.key }
                #expect(entry?.type == other.value.string)
            }
            for global in attack.globals ?? [] { #expect(checkpoint.globals.contains(global)) }
            if attack.kind == nil {
                for tensor in checkpoint.tensors { _ = try tensor.view.bytes() }
            } else {
                let first = try #require(checkpoint.tensors.first)
                attack.expect(#expect(throws: CheckpointError.self) { try first.view.bytes() })
            }
        } else {
            attack.expect(#expect(throws: CheckpointError.self) { try Checkpoint(path: path) })
        }
        for folder in ["", Fixtures.folder, Fixtures.path("attacks/")] {
            #expect(access(folder + "vit-convert-was-tricked", F_OK) != 0, "something was executed")
        }
    }
}
