import Synchronization
import TensorCore

/// How a tensor's finite elements are spread between the smallest and the largest.
public struct TensorHistogram: Sendable, Equatable {
    /// Into how many bins of equal width the range is cut.
    public static let binCount = 32

    /// How many elements lie in each bin; an element on an edge belongs to the bin above, the largest to the last, as
    /// in `numpy.histogram`.
    public private(set) var counts: [Int]

    package static let pieceLimit = 1 << 17

    /// - Parameters:
    ///   - statistics: those of the same tensor, which hold the range.
    ///   - pieceLimit: how many elements are read at a time.
    /// - Throws: `TensorError.noConversion` for complex tensors; whatever reading the file throws.
    /// - Complexity: linear; piece by piece on all cores. A tensor that is not stored plainly is held once.
    package init(
        _ view: TensorView, _ statistics: TensorStatistics, pieceLimit: Int = Self.pieceLimit
    ) throws {
        counts = [Int](repeating: 0, count: Self.binCount)
        // Halves, since the width of a range can be more than the largest number. numpy gives a range without width
        // one of 1.
        let halfWidth = statistics.maximum / 2 - statistics.minimum / 2
        let range =
            halfWidth > 0
            ? Range(halfStart: statistics.minimum / 2, halfWidth: halfWidth)
            : Range(halfStart: (statistics.minimum - 0.5) / 2, halfWidth: 0.5)
        let source = try view.readableInPieces()
        let pieces = RowMajorPieces(view.shape, limit: pieceLimit)
        let results = Mutex([Result<[Int], any Error>?](repeating: nil, count: pieces.count))
        Parallel.forEach(pieces.count) { number in
            let result = Result {
                try Self.counts(try pieces.piece(number, of: source), in: range)
            }
            results.withLock { $0[number] = result }
        }
        for case let result? in results.withLock({ $0 }) {
            for (bin, count) in try result.get().enumerated() { counts[bin] += count }
        }
    }

    private struct Range: Sendable {
        let halfStart: Double
        let halfWidth: Double
    }

    private static func counts(_ piece: TensorView, in range: Range) throws -> [Int] {
        var counts = [Int](repeating: 0, count: binCount)
        try piece.converted(to: .f64).forEachChunk { chunk in
            counts.withUnsafeMutableBufferPointer { counts in
                for offset in Swift.stride(from: 0, to: chunk.count, by: 8) {
                    let value = chunk.loadUnaligned(fromByteOffset: offset, as: Double.self)
                    guard value.isFinite else { continue }
                    let bin = (value / 2 - range.halfStart) / range.halfWidth * Double(binCount)
                    counts[max(0, min(binCount - 1, Int(bin)))] += 1
                }
            }
        }
        return counts
    }
}
