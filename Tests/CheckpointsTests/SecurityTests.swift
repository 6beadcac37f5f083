import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// What a file would run when loaded in Python, against what Python's `pickletools` lists and what was found by hand.
@Suite struct SecurityTests {
    struct Pattern: Sendable, CustomTestStringConvertible {
        let json: JSONValue
        var testDescription: String { json["name"]?.string ?? "?" }
        var bytes: [UInt8] { Data(base64Encoded: json["pickle"]?.string ?? "").map { [UInt8]($0) } ?? [] }
    }

    static let patterns: [Pattern] = {
        let json = try? JSONParser.parse(try Fixtures.bytes("security/patterns.json"))
        return (json?["patterns"]?.array ?? []).map { Pattern(json: $0) }
    }()

    @Test(arguments: patterns)
    func aPatternIsSeenThrough(_ pattern: Pattern) throws {
        let report = SecurityReport(bytes: ByteRegion(pattern.bytes))
        let verdicts = Dictionary(
            report.globals.map { ("\($0.module).\($0.name)", $0.verdict.rawValue) }, uniquingKeysWith: { $1 })
        let expected = Dictionary(
            (pattern.json["verdicts"]?.members ?? []).map { ($0.key, $0.value.string ?? "") },
            uniquingKeysWith: { $1 })
        #expect(verdicts == expected)
        if let rows = pattern.json["globals"]?.array {
            #expect(Set(report.globals.map { Self.row($0) }) == Set(rows.map { Self.row($0) }))
            #expect(report.opcodes == pattern.json["opcodes"]?.integer)
        }
        let texts = report.calls.map(\.text)
        for call in (pattern.json["calls"]?.array ?? []).compactMap(\.string) {
            #expect(texts.contains(call))
        }
        for call in report.calls {
            #expect(call.text.unicodeScalars.allSatisfy { !EscapedText.isTreacherous($0) })
        }
        #expect((report.problem != nil) == (pattern.json["stops"]?.bool ?? false), "\(report.problem ?? "")")
        #expect(
            report.verdict?.rawValue
                == (expected.values.contains("dangerous") ? "dangerous" : expected.values.max(by: <)))
    }

    @Test func patternsAreThere() {
        #expect(Self.patterns.count > 140)
    }

    private static func row(_ global: SecurityReport.NamedGlobal) -> String {
        "\(global.module) \(global.name) \(global.count)"
    }

    private static func row(_ json: JSONValue) -> String {
        let parts = json.array ?? []
        return parts.map { $0.string ?? String($0.integer ?? -1) }.joined(separator: " ")
    }

    // MARK: Files

    struct File: Sendable, CustomTestStringConvertible {
        let json: JSONValue
        var name: String { json["file"]?.string ?? "?" }
        var testDescription: String { name }
    }

    private static func rows(_ file: String, _ key: String) -> [File] {
        let json = try? JSONParser.parse(try Fixtures.bytes(file))
        return (json?[key]?.array ?? []).map { File(json: $0) }
    }

    @Test(arguments: rows("security/index.json", "files"))
    func aFileIsLookedThrough(_ file: File) throws {
        let report = try SecurityReport(path: Fixtures.path("security/" + file.name))
        #expect(report.verdict?.rawValue == file.json["verdict"]?.string)
        let kinds = (file.json["findings"]?.array ?? []).compactMap(\.string)
        #expect(Set(report.findings.map(\.kind.rawValue)) == Set(kinds), "\(report.findings.map(\.text))")
        let texts = report.calls.map(\.text)
        for call in (file.json["calls"]?.array ?? []).compactMap(\.string) {
            #expect(texts.contains(call), "\(texts)")
        }
        if let stops = file.json["stops"]?.string { #expect(report.problem?.contains(stops) ?? false) }
        // However long a file makes them, in characters of which each may take four bytes.
        #expect(report.globals.allSatisfy { ($0.module + $0.name).unicodeScalars.count <= 2 * 129 })
    }

    @Test(arguments: rows("security/globals.golden.json", "fixtures"))
    func globalsAreThoseThatPickletoolsLists(_ file: File) throws {
        let report = try SecurityReport(path: Fixtures.path(file.name))
        let expected = (file.json["globals"]?.array ?? []).map { Self.row($0) }
        #expect(Set(report.globals.map { Self.row($0) }) == Set(expected))
        let opcodes = (file.json["opcodes"]?.array ?? []).compactMap(\.integer)
        #expect(report.pickles.map(\.opcodes).sorted() == opcodes.sorted())
        #expect(report.problem == nil)
    }

    /// Which fixtures have a dangerous verdict, of all that are no attacks.
    @Test(arguments: [
        "compare", "hdf5", "models", "msgpack", "numpy", "numpy/refused", "refused", "rules", "safetensors",
        "safetensors/sharded", "schemes/jax", "schemes/keras", "schemes/keras2", "schemes/torch", "swt",
        "torch",
        "torch/sharded",
    ])
    func whatIsHarmlessIsNotCalledDangerous(_ folder: String) throws {
        // Two whole Keras models hold a Lambda layer's compiled code.
        let dangerous: Set<String> = [
            "torch/hostile_legacy.pth", "schemes/keras/vit_keras_model.model.h5",
            "schemes/keras2/vit_keras_2_model.model.h5",
        ]
        for name in Fixtures.list(folder) where !name.hasSuffix(".json") || name.hasSuffix(".index.json") {
            guard let report = try? SecurityReport(path: Fixtures.path(name)) else { continue }
            #expect((report.verdict == .dangerous) == dangerous.contains(name), "\(name): \(report.globals)")
        }
    }

    @Test(arguments: [
        "safetensors/plain.safetensors", "msgpack/plain.msgpack", "numpy/stored.npz", "hdf5/layouts.h5",
    ])
    func aFileWithoutAPickleCanRunNothing(_ name: String) throws {
        let path = Fixtures.path(name)
        let report = try SecurityReport(path: path)
        #expect(report.verdict == nil && report.pickles.isEmpty && report.problem == nil)
    }

    // MARK: Limits

    /// What makes a walk that keeps everything, or comes back to it, run out of memory or time.
    static let longWalks: [(name: String, body: [UInt8])] = {
        func row(_ name: String, _ parts: String..., times count: Int, of step: (Int) -> String) -> (
            name: String, body: [UInt8]
        ) {
            // One byte for each character.
            let text = parts.joined() + (0..<count).map(step).joined()
            return (name, text.unicodeScalars.map { UInt8($0.value) })
        }
        let long = String(repeating: "a", count: 1_000_000)
        return [
            row("marks", times: 1_000_000) { _ in "(" },
            row("values", times: 1_000_000) { _ in "N" },
            row("nested tuples", ")", times: 500_000) { _ in "\u{85}" },
            row("doubled lists", "]", times: 50_000) { _ in "2a" },
            row("globals", times: 50_000) { "ca\nb\($0)\n" },
            row("calls", times: 50_000) { _ in "cos\nsystem\n)R" },
            row("memo", times: 100_000) { _ in ")\u{94}" },
            row("dictionaries", times: 100_000) { _ in "}(NNu" },
            row("attributes of attributes", "cp\nM\nq\u{0}", times: 20_000) { _ in
                "cbuiltins\ngetattr\nh\u{0}U\u{1}a\u{86}Rq\u{0}"
            },
            row("parts of a name", "cp\na", times: 200_000) { $0 < 199_999 ? ".a" : "\n" },
            row("names of names", "N", times: 50_000) { _ in "\u{8C}\u{1}a\u{93}" },
            row("a long text again and again", "S'", long, "'\nq\u{0}", times: 100_000) { _ in
                "h\u{0}h\u{0}\u{93}"
            },
        ]
    }()

    @Test(arguments: longWalks)
    func aWalkIsLinear(_ name: String, _ body: [UInt8]) throws {
        let bytes = [0x80, 4] + body + [0x2E]
        let start = ContinuousClock.now
        let scan = PickleScan(ByteReader(ByteRegion(bytes)))
        // A hundred times what it takes in a debug build on a slow machine would still be no hang.
        #expect(ContinuousClock.now - start < .seconds(Sanitizer.isOn ? 600 : 60))
        #expect(scan.stop == nil && scan.end == bytes.count)
        #expect(scan.globals.count <= 20_000 && scan.calls.count <= 2 * SecurityReport.mostCalls)
    }

    @Test func namesThatLookAlikeAreTwo() {
        let names = ["\u{E9}", "e\u{301}"].map { "cproject\n\($0)\n" }.joined()
        let report = SecurityReport(bytes: ByteRegion([0x80, 2] + Array((names + ".").utf8)))
        #expect(report.globals.count == 2 && report.globals.allSatisfy { $0.count == 1 })
    }

    /// The same of what makes many pickles, or members, out of few bytes.
    @Test func whatIsListedHasAnEnd() throws {
        let row = try SecurityReport(path: Fixtures.path("security/pickles_in_a_row.pth"))
        #expect(row.pickles.count == SecurityReport.mostPickles && row.picklesLeftOut == 40_000)
        #expect(row.opcodes == 150_000 && row.problem == nil)

        // Four pickles of 4,000 names that hold half a thousand bytes each.
        let part = String(repeating: "n", count: 240)
        let many = (0..<4).flatMap { pickle -> [UInt8] in
            [0x80, 2] + (0..<4000).flatMap { Array("c\(part)\n\(part)\(pickle)_\($0)\n".utf8) } + [0x2E]
        }
        let names = SecurityReport(bytes: ByteRegion(many + Array("cos\nsystem\n.".utf8)))
        let size = names.globals.reduce(0) { $0 + $1.module.utf8.count + $1.name.utf8.count }
        #expect(size < 5 << 20 && names.globals.count > 8000)
        #expect(names.problem == "more names than are listed")
        // What is dangerous is not crowded out.
        #expect(names.globals.first?.name == "system" && names.verdict == .dangerous)
    }

    @Test func whatAConfigurationHoldsIsCutShort() {
        func object(_ config: String) -> String {
            #"{"module": "os", "class_name": "system", "config": {"x": "# + config + "}}"
        }
        var text = "\"" + String(repeating: "a", count: 100_000) + "\""
        for _ in 0..<60 { text = object(text) }
        var deep = SecurityScan()
        deep.visitKeras(text: Array(text.utf8), named: "config.json")
        #expect(deep.report.calls.count == 60 && deep.report.problem == nil)
        #expect(deep.report.calls.first?.text.hasPrefix(#"os.system(**{"x":{"module":"os","#) == true)
        #expect(deep.report.calls.allSatisfy { $0.text.utf8.count < 200 })

        var wide = SecurityScan()
        let values = "[" + Array(repeating: "1", count: 400_001).joined(separator: ",") + "]"
        wide.visitKeras(text: Array(values.utf8), named: "config.json")
        #expect(wide.report.problem?.contains("values") == true)

        var long = SecurityScan()
        let module = String(repeating: "a.", count: 100_000)
        long.visitKeras(
            text: Array(#"{"module": "\#(module)", "class_name": "b", "config": {}}"#.utf8),
            named: "config.json")
        #expect(long.report.globals.map { $0.module.unicodeScalars.count } == [129])
        #expect(long.report.verdict == .dangerous)
    }

    @Test func membersOfATarAreLookedAtOnce() throws {
        var scan = SecurityScan()
        let start = ContinuousClock.now
        try scan.visitTar(Array(repeating: ("m", ByteRegion([])), count: 50_000), named: "")
        #expect(ContinuousClock.now - start < .seconds(Sanitizer.isOn ? 600 : 60))
        #expect(scan.report.pickles.isEmpty && scan.report.findings.count == 1000)
    }

    @Test(arguments: [
        "security/command.pth", "security/two_archives.pth", "security/legacy_system.pth",
        "security/objects.npz",
    ])
    func everyCutIsReadAsFarAsItGoes(_ name: String) throws {
        let bytes = try Fixtures.bytes(name)
        for count in bytes.indices { _ = SecurityReport(bytes: ByteRegion(Array(bytes[..<count]))) }
        for index in bytes.indices {
            for value in [0x80, ~bytes[index]] {
                var changed = bytes
                changed[index] = value
                _ = SecurityReport(bytes: ByteRegion(changed))
            }
        }
    }

    @Test func anIndexIsLookedThroughShardByShard() throws {
        let report = try SecurityReport(path: Fixtures.path("torch/sharded/pytorch_model.bin.index.json"))
        #expect(report.verdict == .known && report.pickles.count > 1)
        #expect(report.pickles.allSatisfy { $0.name.contains(".bin: ") })
    }
}
