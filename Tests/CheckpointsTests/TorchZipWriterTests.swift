import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct TorchZipWriterTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func write(_ tensors: [NamedTensor], _ name: String = "a.pth") throws -> Checkpoint {
        try WriterSamples.written(folder, name) { try TorchZipWriter.write(tensors, to: $0) }
    }

    @Test(arguments: WriterSamples.fixtures)
    func whatIsWrittenReadsBack(_ fixture: String) throws {
        let source = try Checkpoint(path: Fixtures.path(fixture))
        let back = try write(source.tensors)
        #expect(back.container == .torchZip && back.others.isEmpty && back.remarks.isEmpty)
        #expect(try Golden.rows(of: back) == Golden(fixture).tensors)
        #expect(try WriterSamples.hasRightChecksums(back))
        for tensor in back.tensors {
            #expect(tensor.view.isContiguous && tensor.view.strides == tensor.view.shape.rowMajorStrides)
            #expect(
                try #require(tensor.view.plainRegion).start.isMultiple(of: 64) || tensor.view.byteCount == 0)
        }
        let again = try write(source.tensors, "b.pth")
        #expect(try WriterSamples.bytes(back) == WriterSamples.bytes(again))
    }

    @Test func largeTensorsAndNamesOfAnyTextReadBack() throws {
        let tensors = try WriterSamples.large()
        let back = try write(tensors)
        #expect(back.tensors.map(\.name) == tensors.map(\.name))
        for (one, other) in zip(back.tensors, tensors) {
            #expect(try Digest.sha256(one.view) == Digest.sha256(other.view))
        }
        #expect(try WriterSamples.hasRightChecksums(back))
    }

    /// More names than a memo index of one byte counts, and an order of their own.
    @Test func manyTensorsKeepTheirOrder() throws {
        let types: [DType] = [.f32, .u16, .f64, .f8e4m3, .c32, .bool, .i64]
        let tensors = try (0..<700).map { index in
            let dtype = types[index % types.count]
            return NamedTensor(
                "layer.\(699 - index)",
                try WriterSamples.row([UInt8](repeating: UInt8(index % 2), count: dtype.itemSize), dtype))
        }
        let back = try write(tensors)
        #expect(back.tensors.map(\.name) == tensors.map(\.name))
        #expect(back.tensors.map(\.view.dtype) == tensors.map(\.view.dtype))
    }

    @Test func lengthsOfEveryWidthReadBack() throws {
        let shapes = [[255, 0, 256], [65_535, 0, 65_536], [1 << 31, 0], [1 << 40, 0]]
        let tensors = try shapes.map {
            NamedTensor(
                "\($0)",
                try TensorView(storage: .bytes(ByteRegion([]), .little), dtype: .f32, shape: Shape($0)))
        }
        #expect(try write(tensors).tensors.map(\.view.shape.dimensions) == shapes)
    }

    @Test func aNameGivenTwiceIsRefused() throws {
        let view = try WriterSamples.row([1], .u8)
        let error = #expect(throws: CheckpointError.self) {
            try write([NamedTensor("w", view), NamedTensor("w", view)])
        }
        #expect(error?.part == "w" && folder.names.isEmpty)
    }

    /// The integers of a pickle, and a memo of more than 256 entries.
    @Test func picklesAreOfProtocol2() throws {
        var pickle = PickleWriter()
        pickle.put(.mark)
        for value in [0, 255, 256, 65_535, 65_536, -1, 1 << 31, -(1 << 40)] { pickle.integer(value) }
        for name in (0..<300).map({ "name\($0)" }) + ["name0", "name299"] { pickle.repeated(text: name) }
        pickle.put(.tuple)
        pickle.put(.stop)
        var reader = ByteReader(ByteRegion(pickle.bytes))
        let graph = try PickleMachine.run(&reader)
        let values = try #require(graph.tuple(graph.root))
        #expect(
            values.prefix(8).map(\.integer) == [0, 255, 256, 65_535, 65_536, -1, 1 << 31, -(1 << 40)])
        #expect(values.suffix(2).map(\.text) == ["name0", "name299"])
    }
}
