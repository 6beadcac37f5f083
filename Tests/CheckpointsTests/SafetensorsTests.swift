import Checkpoints
import TensorCore
import TestSupport
import Testing

/// The format's rules, each broken once by hand.
@Suite struct SafetensorsTests {
    static func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> ByteRegion {
        let text = Array(header.utf8)
        let size = withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { [UInt8]($0) }
        return ByteRegion(size + text + [UInt8](repeating: 7, count: data))
    }

    static func tensor(_ name: String, _ dtype: String, _ shape: String, _ offsets: String) -> String {
        "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    static let invalid: [(String, ByteRegion)] = [
        (
            "a hole before it",
            file(
                "{" + tensor("a", "U8", "[2]", "[0,2]") + "," + tensor("b", "U8", "[2]", "[3,5]") + "}",
                data: 5)
        ),
        (
            "it overlaps",
            file(
                "{" + tensor("a", "U8", "[2]", "[0,2]") + "," + tensor("b", "U8", "[2]", "[1,3]") + "}",
                data: 3)
        ),
        ("a hole before it", file("{" + tensor("a", "U8", "[2]", "[1,3]") + "}", data: 3)),
        ("follow the last tensor", file("{" + tensor("a", "U8", "[2]", "[0,2]") + "}", data: 3)),
        ("cut short", file("{" + tensor("a", "U8", "[4]", "[0,4]") + "}", data: 3)),
        ("takes 8 bytes, found 4", file("{" + tensor("a", "F32", "[2]", "[0,4]") + "}", data: 4)),
        ("overflows", file("{" + tensor("a", "U8", "[4611686018427387904,4]", "[0,4]") + "}", data: 4)),
        (
            "takes too many bytes",
            file("{" + tensor("a", "F64", "[2305843009213693952]", "[0,4]") + "}", data: 4)
        ),
        (
            "occurs twice",
            file(
                "{" + tensor("a", "U8", "[1]", "[0,1]") + "," + tensor("a", "U8", "[1]", "[0,1]") + "}",
                data: 1)
        ),
        ("not among those known", file("{" + tensor("a", "F33", "[1]", "[0,1]") + "}", data: 1)),
        ("not among those known", file("{" + tensor("a", "C128", "[1]", "[0,16]") + "}", data: 16)),
        ("data_offsets of two numbers", file("{" + tensor("a", "U8", "[1]", "[1,0]") + "}", data: 1)),
        ("data_offsets of two numbers", file("{" + tensor("a", "U8", "[1]", "[-1,0]") + "}", data: 1)),
        ("data_offsets of two numbers", file("{" + tensor("a", "U8", "[1]", "[0,1.5]") + "}", data: 1)),
        ("whole numbers in its shape", file("{" + tensor("a", "U8", "[1.0]", "[0,1]") + "}", data: 1)),
        ("a length is negative", file("{" + tensor("a", "U8", "[-1]", "[0,1]") + "}", data: 1)),
        ("expected text", file("{\"__metadata__\":{\"a\":1}}")),
        ("no JSON object", file("{\"__metadata__\":[]}")),
        ("it has no dtype", file("{\"a\":{}}")),
        ("no valid JSON", file("{\"a\":}")),
        ("no valid JSON", file("{} x")),
    ]

    @Test(arguments: invalid.indices)
    func isInvalid(_ index: Int) {
        let (phrase, region) = Self.invalid[index]
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(bytes: region, named: "x.safetensors")
        }
        #expect(error?.description.contains(phrase) == true, "\(String(describing: error))")
    }

    @Test func aHeaderBeyondTheFileIsNoSafetensors() {
        #expect(throws: CheckpointError.self) {
            try Checkpoint(bytes: Self.file("{}", length: UInt64.max), named: "x")
        }
    }

    @Test func whiteSpaceEmptyFilesScalarsAndUnknownFieldsAreValid() throws {
        #expect(try Checkpoint(bytes: Self.file("{}"), named: "x").tensors.isEmpty)
        let header =
            " {" + Self.tensor("s", "F32", "[]", "[0,4]")
            + ",\"e\":{\"dtype\":\"F64\",\"shape\":[0,3],\"data_offsets\":[4,4],\"more\":[1]}}  \n"
        let checkpoint = try Checkpoint(bytes: Self.file(header, data: 4), named: "x")
        #expect(checkpoint.tensors.map(\.name) == ["s", "e"])
        #expect(checkpoint.tensor("s")?.shape.dimensions == [])
    }

    @Test func whatIsWrittenIsAlignedDeterministicAndReadsBack() throws {
        let folder = try TemporaryFolder()
        func view(_ dtype: DType, _ count: Int) throws -> TensorView {
            let bytes = (0..<count * dtype.itemSize).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            return try TensorView(
                storage: .bytes(ByteRegion(bytes), .little), dtype: dtype, shape: Shape([count]))
        }
        let tensors = [
            NamedTensor("byte", try view(.u8, 3)), NamedTensor("half", try view(.f16, 5)),
            NamedTensor("float", try view(.f32, 7)), NamedTensor("double", try view(.f64, 2)),
            NamedTensor("float2", try view(.f32, 1)),
        ]
        var written: [[UInt8]] = []
        for name in ["a", "b"] {
            let file = try AtomicFile(replacing: folder.path + name)
            try SafetensorsWriter.write(tensors, metadata: [("k", "v\"\u{1F600}")], to: file)
            #expect(!folder.names.contains(name), "nothing stands there before the commit")
            try file.commit()
            written.append(try ByteRegion(try OpenFile(path: folder.path + name)).array())
        }
        #expect(written[0] == written[1])
        let back = try Checkpoint(path: folder.path + "a")
        #expect(back.tensors.map(\.name) == ["double", "float", "float2", "half", "byte"])
        #expect(back.metadata.map(\.value) == ["v\"\u{1F600}"])
        for tensor in back.tensors {
            let region = try #require(tensor.view.plainRegion)
            #expect(region.start.isMultiple(of: tensor.view.dtype.itemSize))
            #expect(try region.array() == tensors.first { $0.name == tensor.name }?.view.bytes().array())
        }
        #expect(back.tensors[0].view.plainRegion?.start.isMultiple(of: 64) == true)
        #expect(folder.names == ["a", "b"], "no litter")
    }

    @Test func aFailedWriteLeavesWhatStoodThere() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("model", [1, 2, 3])
        let broken = TensorStorage.deferred(
            DeferredBytes(byteCount: 4) { throw ByteError(.shrunk, offset: 0, needed: 4, available: 0) })
        let tensor = NamedTensor("w", try TensorView(storage: broken, dtype: .f32, shape: Shape([1])))
        #expect(throws: CheckpointError.self) {
            let file = try AtomicFile(replacing: path)
            try SafetensorsWriter.write([tensor], to: file)
            try file.commit()
        }
        #expect(try ByteRegion(try OpenFile(path: path)).array() == [1, 2, 3])
        #expect(folder.names == ["model"])
    }

    @Test func metadataAreCounted() throws {
        func read(_ count: Int) throws -> Checkpoint {
            let entries = (0..<count).map { "\"\($0)\":\"\"" }.joined(separator: ",")
            return try Checkpoint(bytes: Self.file("{\"__metadata__\":{" + entries + "}}"), named: "many")
        }
        #expect(try read(100_000).metadata.count == 100_000)
        #expect(throws: CheckpointError.self) { try read(100_001) }
    }
}
