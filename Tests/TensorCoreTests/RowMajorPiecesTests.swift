import Testing

@testable import TensorCore

@Suite struct RowMajorPiecesTests {
    @Test(
        arguments: [[], [1], [7], [3, 5], [1, 1, 40], [4, 3, 5], [2, 1, 3, 4], [5, 1], [0], [3, 0, 2]], 1...13
    )
    func piecesEndToEndAreTheTensor(_ dimensions: [Int], _ limit: Int) throws {
        let plain = try TensorViewTests.counting(dimensions)
        let reversed = try TensorViewTests.counting(dimensions.reversed()).permuted(
            (0..<dimensions.count).reversed())
        for view in [plain, reversed, try reversed.readableInPieces()] {
            let pieces = RowMajorPieces(view.shape, limit: limit)
            var bytes: [UInt8] = []
            for number in 0..<pieces.count {
                let piece = try pieces.piece(number, of: view)
                #expect((1...limit).contains(piece.shape.elementCount))
                bytes += try piece.bytes().array()
            }
            #expect(bytes == (try view.bytes().array()))
        }
    }

    @Test func anyStorageIsReadableInPieces() throws {
        let view = try TensorViewTests.counting([4, 6])
        let joined = try TensorView.concatenated([view, view.permuted([0, 1])], axis: 1)
        let big = try TensorView(
            storage: .bytes(try view.bytes(), .big), dtype: .u16, shape: view.shape)
        let deferred = DeferredBytes(byteCount: 48) { try view.bytes() }
        let late = try TensorView(storage: .deferred(deferred), dtype: .u16, shape: view.shape)
        let inner = try view.sliced(axis: 1, 2..<5).permuted([1, 0])
        let wide = try view.converted(to: .f32)
        for other in [joined, big, late, inner, wide] {
            let readable = try other.readableInPieces()
            #expect(try readable.bytes().array() == other.bytes().array())
            #expect(readable.shape == other.shape && readable.dtype == other.dtype)
        }
    }
}
