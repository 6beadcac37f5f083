/// Rows of floats somewhere in memory: what kernels and matrix products work on.
///
/// It owns nothing; whoever made the memory keeps it alive. Pieces of one matrix that do not overlap may be
/// written by several threads at once.
package struct Matrix: Sendable {
    package nonisolated(unsafe) let start: UnsafeMutablePointer<Float>
    package let rowCount: Int
    package let columnCount: Int
    /// The distance from one row to the next, in floats.
    package let stride: Int

    package init(_ start: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
        self.start = start
        rowCount = rows
        columnCount = columns
        self.stride = stride ?? columns
    }

    package func rows(_ range: Range<Int>) -> Matrix {
        Matrix(start + range.lowerBound * stride, rows: range.count, columns: columnCount, stride: stride)
    }

    package func columns(_ range: Range<Int>) -> Matrix {
        Matrix(start + range.lowerBound, rows: rowCount, columns: range.count, stride: stride)
    }

    /// Every `step`-th row from `first` on.
    package func everyRow(from first: Int, step: Int, count: Int) -> Matrix {
        Matrix(start + first * stride, rows: count, columns: columnCount, stride: step * stride)
    }

    /// Copies the first `count` of every `period` rows, one after another.
    package func copyLeadingRows(_ count: Int, of period: Int, into target: Matrix) {
        for row in 0..<target.rowCount {
            (target.start + row * target.stride).update(
                from: start + (row / count * period + row % count) * stride, count: columnCount)
        }
    }
}
