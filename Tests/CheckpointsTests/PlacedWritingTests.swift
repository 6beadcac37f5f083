import Synchronization
import TestSupport
import Testing

@testable import Checkpoints
@testable import TensorCore

/// Tensors whose bytes are computed on several cores and written where they belong.
@Suite struct PlacedWritingTests {
    /// Numbers that tell their own place, with a storage in a file too large to be read at once.
    static func matrix(_ rows: Int, _ columns: Int, in folder: TemporaryFolder, order: ByteOrder) throws
        -> TensorView
    {
        let bytes = HeapBytes(count: rows * columns * 4)
        bytes.buffer.withMemoryRebound(to: UInt32.self) { numbers in
            for index in 0..<rows * columns {
                numbers[index] = order == .little ? UInt32(index) : UInt32(index).bigEndian
            }
        }
        let path = folder.path + "/" + "matrix.bin"
        let file = try AtomicFile(replacing: path)
        try file.write(UnsafeRawBufferPointer(bytes.buffer))
        try file.commit()
        return try TensorView(
            storage: .bytes(ByteRegion(try OpenFile(path: path)), order), dtype: .u32,
            shape: try Shape([rows, columns]))
    }

    /// Tall and wide, with edges that are no multiple of any tile, and parts of either.
    @Test(arguments: [(1051, 1111), (37, 30_011), (30_011, 37)], [ByteOrder.little, .big])
    func aTransposeReadFromAFileInPartsIsTheTranspose(_ lengths: (Int, Int), _ order: ByteOrder) throws {
        let folder = try TemporaryFolder()
        let (rows, columns) = lengths
        let view = try Self.matrix(rows, columns, in: folder, order: order).sliced(axis: 0, 1..<rows)
            .permuted([1, 0])
        let file = try AtomicFile(replacing: folder.path + "/" + "out.bin")
        try file.write([PlacedTensor(tensor: NamedTensor("t", view), offset: 64)])
        try file.commit()
        let written = ByteRegion(try OpenFile(path: folder.path + "/" + "out.bin"))
        #expect(written.count == 64 + view.byteCount)
        let wrong = try written.slice(64, view.byteCount).pointer().withMemoryRebound(to: UInt32.self) {
            values in
            (0..<values.count).first { place in
                let (column, row) = place.quotientAndRemainder(dividingBy: rows - 1)
                return values[place] != UInt32((row + 1) * columns + column)
            }
        }
        #expect(wrong == nil)
    }

    /// At the same place within a page, where the kernel copies, and at others, where bytes pass through memory.
    @Test(arguments: [(64, 64), (64, 8256), (5, 4102), (0, 130_000)])
    func aRangeOfAFileIsCopiedWherever(_ source: Int, _ target: Int) throws {
        let folder = try TemporaryFolder()
        let view = try Self.matrix(300, 301, in: folder, order: .little)
        let whole = try view.bytes()
        let count = whole.count - source - 3
        let range = try TensorView(
            storage: .bytes(try whole.slice(source, count), .little), dtype: .u8, shape: try Shape([count]))
        let file = try AtomicFile(replacing: folder.path + "/" + "out.bin")
        try file.write([PlacedTensor(tensor: NamedTensor("t", range), offset: target)])
        try file.commit()
        let written = ByteRegion(try OpenFile(path: folder.path + "/" + "out.bin"))
        #expect(written.count == target + count)
        #expect(try written.slice(target, count).array() == whole.slice(source, count).array())
    }

    @Test func theFirstFailureInTheFileIsTold() throws {
        let folder = try TemporaryFolder()
        struct Unreadable: Error, CustomStringConvertible { let description: String }
        let tensors = try (0..<40).map { number in
            let bytes = DeferredBytes(byteCount: 4 * (number + 1)) {
                if number == 7 || number > 20 { throw Unreadable(description: "number \(number)") }
                return ByteRegion([UInt8](repeating: 1, count: 4 * (number + 1)))
            }
            let view = try TensorView(
                storage: .deferred(bytes), dtype: .f32, shape: try Shape([number + 1]))
            return PlacedTensor(tensor: NamedTensor("t\(number)", view), offset: 1000 * number)
        }
        let file = try AtomicFile(replacing: folder.path + "/" + "out.bin")
        let error = #expect(throws: CheckpointError.self) { try file.write(tensors) }
        #expect("\(String(describing: error))".contains("number 7"))
        #expect("\(String(describing: error))".contains("t7"))
    }
}
