import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// Flax's files: what is told as one, and objects typed by hand.
@Suite struct MessagePackTests {
    static let array: [UInt8] = ext(1, tuple([0x91, 2], "int16", [1, 0, 2, 0]))

    static func text(_ text: String) -> [UInt8] { [0xD9, UInt8(text.utf8.count)] + Array(text.utf8) }
    static func ext(_ type: UInt8, _ bytes: [UInt8]) -> [UInt8] { [0xC7, UInt8(bytes.count), type] + bytes }
    static func tuple(_ shape: [UInt8], _ dtype: String, _ data: [UInt8]) -> [UInt8] {
        [0x93] + shape + text(dtype) + [0xC4, UInt8(data.count)] + data
    }
    static func map(_ pairs: (String, [UInt8])...) -> [UInt8] {
        [0xDE, 0, UInt8(pairs.count)] + pairs.flatMap { text($0.0) + $0.1 }
    }
    /// A file whose first array tells what it is, and then the object in question.
    static func file(_ object: [UInt8]) -> [UInt8] { map(("a", array), ("b", object)) }
    static func chunked(_ chunks: [UInt8], shape: [UInt8] = map(("0", [4])), _ more: (String, [UInt8])...)
        -> [UInt8]
    {
        let pairs = [(FlaxArray.chunkedKey, [0xC3]), ("shape", shape), ("chunks", chunks)] + more
        return [0x80 + UInt8(pairs.count)] + pairs.flatMap { text($0.0) + $0.1 }
    }

    static func open(_ bytes: [UInt8]) throws -> Checkpoint {
        try Checkpoint(bytes: ByteRegion(bytes), named: "x")
    }

    @Test func aHandMadeFileIsRead() throws {
        let checkpoint = try Self.open(
            Self.file(Self.chunked(Self.map(("0", Self.array), ("1", Self.array)))))
        #expect(checkpoint.container == .msgpack)
        #expect(checkpoint.tensors.map(\.name) == ["a", "b"])
        #expect(try checkpoint.tensor("b")?.floats() == [1, 2, 1, 2])
    }

    @Test func arraysAreRangesOfTheFile() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("msgpack/plain.msgpack"))
        for tensor in checkpoint.tensors { #expect(tensor.view.plainRegion?.filePlace != nil) }
    }

    @Test func aFolderStandsForItsFlaxModel() throws {
        #expect(try Checkpoint(path: Fixtures.path("msgpack")).path.hasSuffix("msgpack/flax_model.msgpack"))
        #expect(try Checkpoint(path: Fixtures.path("msgpack/sharded")).tensors.count == 7)
    }

    @Test func whatIsNoTensorIsListedWithItsValue() throws {
        let others = try Checkpoint(path: Fixtures.path("msgpack/values.msgpack")).others
        func entry(_ name: String) -> OtherEntry? { others.first { $0.name == name } }
        #expect(
            entry("integers.wide") == OtherEntry("integers.wide", type: "int", value: "-1152921504606846976"))
        #expect(entry("integers.widest")?.value == "18446744073709551615")
        #expect(entry("integers.word")?.value == "-30000")
        #expect(entry("real") == OtherEntry("real", type: "float", value: "0.25"))
        #expect(entry("text") == OtherEntry("text", type: "str", value: "'größe'"))
        #expect(entry("complex") == OtherEntry("complex", type: "complex", value: "(1.5-2.0j)"))
        #expect(entry("list") == OtherEntry("list", type: "list", value: "[1, 'two', None]"))
        #expect(entry("quarter")?.value == "int4 [3]; arrays of this type are not read")
        #expect(entry("numpy_scalar")?.type == "numpy scalar")
    }

    // MARK: Telling

    @Test(
        arguments: GoldenTests.folders.filter { !$0.hasPrefix("msgpack") } + [
            "refused", "numpy/refused", "models", "swt",
        ])
    func nothingElseIsTakenForIt(_ folder: String) throws {
        for file in Fixtures.list(folder) {
            guard let open = try? OpenFile(path: Fixtures.path(file)) else { continue }
            #expect(!MessagePackProbe.matches(ByteRegion(open)), "\(file)")
        }
    }

    @Test(arguments: [
        [], [0x80], [0x81], [0x93, 1, 2, 3], [0x81, 0xA1, 0x61, 5, 0], [0x81, 0xA0, 5], [0x81, 1, 5],
        [0x81, 0xA1, 0x07, 5], [0x81, 0xA1, 0xFF, 5], [0x82, 0xA1, 0x61, 5],
        [0x81, 0xA1, 0x61, 0xC7, 3, 1, 0x92, 0x90],
    ])
    func nearMissesAreNotTakenForIt(_ bytes: [UInt8]) {
        #expect(!MessagePackProbe.matches(ByteRegion(bytes)))
        #expect(MessagePackProbe.matches(ByteRegion([0x81, 0xA1, 0x61, 5])))
    }

    /// Random bytes behind the head of a map, and behind a text as its first key.
    @Test func noiseIsNotTakenForIt() {
        var state: UInt64 = 1
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        for start in [[0x81], [0x82], [0xDE, 0, 9], [0x82, 0xA1, 0x61], [0x80, 2], [0x80, 4]] as [[UInt8]] {
            for _ in 0..<2000 {
                let bytes = start + (0..<256).map { _ in next() }
                #expect(!MessagePackProbe.matches(ByteRegion(bytes)), "\(bytes)")
            }
        }
    }

    @Test func aFileCutShortIsStillToldAsOne() throws {
        let bytes = Self.map(("a", Self.array))
        let error = #expect(throws: CheckpointError.self) { try Self.open(Array(bytes.dropLast())) }
        #expect(error?.kind == .damaged && error?.detail.contains("ends too early") == true)
        #expect(error?.part == "a")
    }

    // MARK: Damage

    static let damaged: [(String, [UInt8])] = [
        ("which begins none", file([0xC1])),
        ("ends too early", file([0xDD, 0xFF, 0xFF, 0xFF, 0xFF])),
        ("ends too early", file([0xDF, 0x7F, 0xFF, 0xFF, 0xFF])),
        ("ends too early", file([0xC6, 0xFF, 0xFF, 0xFF, 0xFF])),
        ("ends too early", file([0xC9, 0, 0, 1, 0, 1])),
        ("1 bytes follow the object", file([0xC0]) + [0xC0]),
        ("expected UTF-8 text", file([0xA1, 0xFF])),
        ("\"k\" occurs twice", file(map(("k", [1]), ("k", [2])))),
        ("a map's key is no text", file([0x81, 0x90, 1])),
        ("nested more than 128 deep", file([UInt8](repeating: 0x91, count: 200) + [0xC0])),
        (
            "nested more than 128 deep",
            file((0..<200).flatMap { _ in [0x81, 0xA1, 0x61] as [UInt8] } + [0xC0])
        ),
        ("an array's shape, type and bytes", file(ext(1, [0xC0]))),
        ("an array's shape, type and bytes", file(ext(1, [0x92, 0x90, 0xA0]))),
        ("expected an array's shape", file(ext(1, tuple([5], "int8", [1])))),
        ("a length of an axis", file(ext(1, tuple([0x91, 0xC0], "int8", [1])))),
        ("a length is negative", file(ext(1, tuple([0x91, 0xFF], "int8", [1])))),
        ("takes 2 bytes, found 1", file(ext(1, tuple([0x91, 1], "int16", [1])))),
        ("takes 1 bytes, found 2", file(ext(1, tuple([0x91, 1], "int8", [1, 2])))),
        (
            "takes too many bytes",
            file(ext(1, tuple([0x91, 0xD3, 0x7F, 0, 0, 0, 0, 0, 0, 0], "int16", [1])))
        ),
        (
            "number of elements overflows",
            file(ext(1, tuple([0x92, 0xD3, 0x7F, 0, 0, 0, 0, 0, 0, 0, 4], "int8", [1])))
        ),
        (
            "a length of an axis",
            file(ext(1, tuple([0x91, 0xCF] + [UInt8](repeating: 255, count: 8), "int8", [1])))
        ),
        ("one that ends elsewhere", file(ext(1, tuple([0x91, 1], "int8", [1]) + [0]))),
        ("one that ends elsewhere", file([0xC7, 3, 1] + tuple([0x91, 1], "int8", [1]))),
        ("the name of a type", file(ext(1, [0x93, 0x91, 1, 5, 0xC4, 1, 1]))),
        ("expected an array's bytes", file(ext(1, [0x93, 0x91, 1, 0xA4] + Array("int8".utf8) + [5]))),
        ("the two parts of a complex number", file(ext(2, [0x91, 0xCB]))),
        ("the two parts of a complex number", file(ext(2, [0x92, 0xC0, 0xC0]))),
        ("an array's shape, type and bytes", file(ext(3, [0xC0]))),
        // Arrays in chunks.
        ("takes 4 elements, found 2", file(chunked(map(("0", array))))),
        ("found 4 in chunks", file(chunked(map(("0", array), ("1", array)), shape: map(("0", [3]))))),
        ("expected the key \"0\", found \"1\"", file(chunked(map(("1", array), ("0", array))))),
        ("without chunks", file(chunked([0x80]))),
        ("a map from \"0\"", file(chunked([0x90]))),
        ("a chunk of an array", file(chunked(map(("0", [1]))))),
        ("\"shape\" and \"chunks\"", file(chunked(map(("0", array)), ("more", [1])))),
        ("a length is negative", file(chunked(map(("0", array)), shape: map(("0", [0xFE]))))),
        (
            "not all flat and of one type",
            file(chunked(map(("0", array), ("1", ext(1, tuple([0x91, 2], "int8", [1, 2]))))))
        ),
        (
            "not all flat and of one type",
            file(chunked(map(("0", ext(1, tuple([0x92, 2, 2], "int8", [1, 2, 3, 4]))))))
        ),
        ("does not begin with", file(map(("shape", [1]), (FlaxArray.chunkedKey, [0xC3])))),
    ]

    @Test(arguments: damaged.indices)
    func isRefused(_ index: Int) {
        let (phrase, bytes) = Self.damaged[index]
        let error = #expect(throws: CheckpointError.self) { try Self.open(bytes) }
        #expect(error?.description.contains(phrase) == true, "\(String(describing: error))")
        #expect(error?.offset != nil || phrase == "ends too early" || phrase.contains("UTF-8"))
    }

    @Test func everyMarkerIsReadOrRefused() {
        for marker in UInt8.min...UInt8.max {
            for filling: UInt8 in [0, 1, 0x7F, 0xFF] {
                for length in [0, 1, 8, 80] {
                    let object = [marker] + [UInt8](repeating: filling, count: length)
                    _ = try? Self.open(Self.file(object))
                }
            }
        }
    }
}
