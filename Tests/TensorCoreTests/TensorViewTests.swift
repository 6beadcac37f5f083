import TensorCore
import Testing

@Suite struct TensorViewTests {
    /// 0, 1, 2 … as 16-bit integers.
    static func counting(_ dimensions: [Int], order: ByteOrder = .little) throws -> TensorView {
        let shape = try Shape(dimensions)
        let bytes = (0..<shape.elementCount).flatMap { index in
            let value = UInt16(index)
            return withUnsafeBytes(of: order == .little ? value.littleEndian : value.bigEndian) {
                [UInt8]($0)
            }
        }
        return try TensorView(storage: .bytes(ByteRegion(bytes), order), dtype: .u16, shape: shape)
    }

    static func values(_ view: TensorView, chunk: Int = 4 << 20) throws -> [Int] {
        var result: [Int] = []
        try view.forEachChunk(of: chunk) { bytes in
            for offset in stride(from: 0, to: bytes.count, by: 2) {
                result.append(Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
            }
        }
        return result
    }

    /// numpy: np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1).ravel()
    static let transposed = [
        0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23,
    ]

    @Test(arguments: [2, 6, 10, 12, 26, 48, 1000])
    func permutedElementsComeInOrderWhateverTheChunk(_ chunk: Int) throws {
        let view = try Self.counting([2, 3, 4]).permuted([2, 0, 1])
        #expect(view.shape.dimensions == [4, 2, 3] && !view.isContiguous)
        #expect(try Self.values(view, chunk: chunk) == Self.transposed)
    }

    @Test func aLargeTransposeGoesByTiles() throws {
        let view = try Self.counting([70, 65]).permuted([1, 0])
        let expected = (0..<65).flatMap { column in (0..<70).map { $0 * 65 + column } }
        #expect(try Self.values(view, chunk: 1000) == expected)
    }

    @Test func bigEndianElementsAreSwapped() throws {
        #expect(try Self.values(Self.counting([5], order: .big)) == [0, 1, 2, 3, 4])
        #expect(try Self.values(Self.counting([2, 3], order: .big).permuted([1, 0])) == [0, 3, 1, 4, 2, 5])
        #expect(try Self.counting([5], order: .big).plainRegion == nil)
    }

    @Test func reshapingKeepsStridesWhereItCan() throws {
        let view = try Self.counting([4, 6]).sliced(axis: 0, 1..<3)
        #expect(try Self.values(view.reshaped(Shape([3, 4]))) == Array(6..<18))
        // The transposed rows cannot be flattened by strides: they are read through.
        let flat = try Self.counting([2, 3]).permuted([1, 0]).reshaped(Shape([6]))
        #expect(try Self.values(flat) == [0, 3, 1, 4, 2, 5])
        // A transposed tensor whose axes are only split stays a view.
        let split = try Self.counting([4, 6]).permuted([1, 0]).reshaped(Shape([2, 3, 2, 2]))
        #expect(split.strides == [3, 1, 12, 6])
        #expect(throws: TensorError.self) { try view.reshaped(Shape([5])) }
    }

    @Test func selectingAndSlicingMoveTheOffset() throws {
        let view = try Self.counting([3, 4])
        #expect(try Self.values(view.selected(axis: 1, index: 2)) == [2, 6, 10])
        #expect(try Self.values(view.sliced(axis: 1, 1..<3)) == [1, 2, 5, 6, 9, 10])
        #expect(throws: TensorError.self) { try view.selected(axis: 0, index: 3) }
        #expect(throws: TensorError.self) { try view.sliced(axis: 2, 0..<1) }
    }

    /// numpy: np.concatenate([a, b], axis)
    @Test func concatenationAlongEitherAxis() throws {
        let (a, b) = (try Self.counting([2, 2]), try Self.counting([2, 2]).permuted([1, 0]))
        #expect(try Self.values(.concatenated([a, b], axis: 0)) == [0, 1, 2, 3, 0, 2, 1, 3])
        #expect(try Self.values(.concatenated([a, b], axis: 1)) == [0, 1, 0, 2, 2, 3, 1, 3])
        #expect(throws: TensorError.self) {
            try TensorView.concatenated([a, Self.counting([3, 3])], axis: 0)
        }
    }

    /// numpy: np.insert(a, [place] * count, 0, axis)
    @Test func zerosAreInserted() throws {
        let a = try Self.counting([2, 2]).permuted([1, 0])
        #expect(try Self.values(a.insertingZeros(axis: 0, 1..<3)) == [0, 2, 0, 0, 0, 0, 1, 3])
        #expect(try Self.values(a.insertingZeros(axis: 1, 0..<1)) == [0, 0, 2, 0, 1, 3])
        #expect(try Self.values(a.insertingZeros(axis: 1, 2..<3)) == [0, 2, 0, 1, 3, 0])
        for (axis, place) in [(0, 3), (2, 0), (-1, 0), (0, -1)] {
            #expect(throws: TensorError.self) { try a.insertingZeros(axis: axis, place..<place + 1) }
        }
    }

    @Test(arguments: [
        ([2, 3], [3, 1], 1), ([2, 3], [4, 1], 0), ([7], [1], 0), ([2], [Int.max], 0),
        ([2, 2], [Int.max, Int.max], 0),
        ([2], [-1], 0), ([1], [1], 6), ([1], [1], -1), ([2], [1, 1], 0),
    ])
    func nothingReachesOutsideItsStorage(_ dimensions: [Int], _ strides: [Int], _ offset: Int) throws {
        let storage = TensorStorage.bytes(ByteRegion([UInt8](repeating: 0, count: 12)), .little)
        #expect(throws: TensorError.self) {
            try TensorView(
                storage: storage, dtype: .u16, shape: Shape(dimensions), strides: strides, offset: offset)
        }
    }

    @Test func anExpandedViewHasALimit() throws {
        let storage = TensorStorage.bytes(ByteRegion([1, 0]), .little)
        let shape = try Shape([1 << 40])
        #expect(throws: TensorError.self) {
            try TensorView(storage: storage, dtype: .u16, shape: shape, strides: [0])
        }
        let small = try TensorView(storage: storage, dtype: .u16, shape: Shape([3]), strides: [0])
        #expect(try Self.values(small) == [1, 1, 1])
    }

    @Test func emptyTensorsHaveNoBytes() throws {
        #expect(try Self.values(Self.counting([3, 0, 2]).permuted([2, 0, 1])).isEmpty)
    }
}
