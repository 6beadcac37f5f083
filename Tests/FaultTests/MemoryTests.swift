import TensorCore
import TestSupport
import Testing

/// Files that would be large in memory, inspected with little of it: each is read or refused, and nothing dies.
@Suite(.enabled(if: !Sanitizer.isOn, "a sanitizer takes memory of its own"))
struct MemoryTests {
    struct Large: Sendable, CustomTestStringConvertible {
        let name: String
        /// What is repeated, and how often.
        let unit: String
        let count: Int
        var head = ""
        var tail = ""
        /// Nil where it is read.
        let says: String?
        var testDescription: String { "\(name) of \(unit)" }

        var bytes: [UInt8] {
            let text = Array((head + String(repeating: unit, count: count) + tail).utf8)
            guard name.hasSuffix(".safetensors") else { return text }
            return withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) } + text
        }
    }

    static let refused = [
        Large(
            name: "header.safetensors", unit: "1,", count: 8 << 20, head: "{\"a\":[", tail: "1]}",
            says: "more values than are taken"),
        Large(
            name: "header.safetensors", unit: "[],", count: 8 << 20, head: "{\"__metadata__\":{\"a\":[",
            tail: "1]}}", says: "more values than are taken"),
        Large(
            name: "header.safetensors", unit: "abcdefgh", count: 4 << 20, head: "{\"", tail: "\":1}",
            says: "a text of more than 16777216 bytes"),
        Large(
            name: "header.safetensors", unit: "{\"a\":", count: 4 << 20, says: "nesting deeper than 128"),
        Large(
            name: "model.safetensors.index.json", unit: "1,", count: 8 << 20, head: "{\"metadata\":[",
            tail: "1]}", says: "more values than are taken"),
    ]

    /// What the data of a process may take, in kilobytes: 64 MiB and what the command has before it begins.
    private static let most = (64 + 16) << 10

    private func inspect(_ path: String, _ options: [String] = []) throws -> Trial.Ending {
        let script = "ulimit -d \(Self.most) && exec \"$0\" inspect \"$@\""
        return try Trial.run("/bin/sh", ["-c", script, Trial.executable, path] + options, [:])
    }

    @Test(arguments: refused) func whatIsNoTensorsTakesNoMemory(_ large: Large) throws {
        let folder = try TemporaryFolder()
        let ending = try inspect(try folder.file(large.name, large.bytes))
        #expect(ending.status == 2 && !ending.isSignal, "\(ending.output.suffix(400))")
        #expect(ending.output.contains(large.says ?? ""), "\(ending.output.suffix(400))")
    }

    /// Calls are the most that a byte of pickle makes.
    @Test func aPickleOfCallsIsRefused() throws {
        let folder = try TemporaryFolder()
        let head: [UInt8] =
            [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
            + [0x80, 2, 0x4D, 0xE9, 3, 0x2E, 0x80, 2, 0x7D, 0x2E, 0x80, 2, 0x5D, 0x28]
        let calls = [UInt8](String(repeating: "ca\nb\n)R", count: 2 << 20).utf8)
        let path = try folder.file("calls.pth", head + calls + [UInt8]("e.".utf8))
        let ending = try inspect(path)
        #expect(ending.status == 2 && !ending.isSignal, "\(ending.output.suffix(400))")
        #expect(ending.output.contains("more objects than are followed"))
    }

    @Test func aLargeDescriptionIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("model.safetensors", try Fixtures.bytes("models/features.safetensors"))
        let text = "{\"a\":[" + String(repeating: "1,", count: 4 << 20) + "1]}"
        _ = try folder.file("config.json", Array(text.utf8))
        let ending = try inspect(path)
        #expect(ending.status == 0 && ending.output.contains("config.json"), "\(ending.output.suffix(400))")
    }

    /// A header of tensors and nothing else: as many as are listed, also with all that can be asked of each, and one more.
    @Test(arguments: [(1 << 15, []), (1 << 15, ["--statistics", "--digest"]), (1 << 15 + 1, [])])
    func manyTensorsAreReadOrRefused(_ count: Int, _ options: [String]) throws {
        let folder = try TemporaryFolder()
        let entries = (0..<count).map {
            "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[\(4 * $0),\(4 * $0 + 4)]}"
        }
        let header = Large(
            name: "many.safetensors", unit: "", count: 0, head: "{" + entries.joined(separator: ",") + "}",
            says: nil)
        let bytes = header.bytes + [UInt8](repeating: 0x3C, count: 4 * count)
        let ending = try inspect(try folder.file(header.name, bytes), options)
        guard count <= 1 << 15 else {
            #expect(ending.status == 2 && ending.output.contains("more than 32768 tensors"))
            return
        }
        #expect(ending.status == 0, "\(ending.output.suffix(400))")
        #expect(ending.output.contains("32,768") || ending.output.contains("32768"))
    }

    /// A list that grows by a thousand items at a time, as Python writes it: some 1.4 million are followed.
    @Test(arguments: [(1_000, 0), (2_000, 2)]) func longListsInPickles(_ thousands: Int, _ status: Int32)
        throws
    {
        let folder = try TemporaryFolder()
        let items: [UInt8] = [0x28] + [UInt8](repeating: 0x4E, count: 1000) + [0x65]
        var bytes: [UInt8] = [
            0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
        ]
        bytes += [0x80, 2, 0x4D, 0xE9, 3, 0x2E, 0x80, 2, 0x7D, 0x2E, 0x80, 2, 0x5D]
        for _ in 0..<thousands { bytes += items }
        let path = try folder.file("list.pth", bytes + [0x2E, 0x80, 2, 0x5D, 0x2E])
        let ending = try inspect(path)
        #expect(ending.status == status && !ending.isSignal, "\(ending.output.suffix(400))")
    }

    /// A zip archive of empty members, one more than are followed.
    @Test func manyMembersAreFollowedInPart() throws {
        let folder = try TemporaryFolder()
        let count = 1 << 16 + 1
        var (members, directory): ([UInt8], [UInt8]) = ([], [])
        func add(_ value: Int, _ size: Int, to bytes: inout [UInt8]) {
            for shift in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
        }
        for index in 0..<count {
            let name = [UInt8]("\(index)".utf8)
            let start = members.count
            add(0x0403_4B50, 26, to: &members)
            add(name.count, 4, to: &members)
            members += name
            add(0x0201_4B50, 28, to: &directory)
            add(name.count, 14, to: &directory)
            add(start, 4, to: &directory)
            directory += name
        }
        var end: [UInt8] = []
        add(0x0606_4B50, 4, to: &end)
        add(44, 8, to: &end)
        add(0, 12, to: &end)
        for value in [count, count, directory.count, members.count] { add(value, 8, to: &end) }
        add(0x0706_4B50, 8, to: &end)
        add(members.count + directory.count, 8, to: &end)
        add(1, 4, to: &end)
        add(0x0605_4B50, 8, to: &end)
        for size in [2, 2, 4, 4] { add(-1, size, to: &end) }
        add(0, 2, to: &end)
        let path = try folder.file("members.zip", members + directory + end)
        let ending = try inspect(path, ["--security"])
        #expect(ending.status == 2 && !ending.isSignal, "\(ending.output.suffix(400))")
        #expect(ending.output.contains("more members than are followed"))
    }
}
