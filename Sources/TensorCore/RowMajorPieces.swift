/// A shape cut into runs of elements that follow one another in row-major order.
///
/// The cut depends on nothing but the shape and the limit, so two tensors of one shape are cut alike, whatever
/// their strides, and sums over pieces come out the same for any number of threads.
package struct RowMajorPieces: Sendable {
    /// How many pieces there are; 0 for a shape without elements.
    package let count: Int
    private let shape: Shape
    /// The axis along which rows are taken together; all axes before it are held fixed in a piece.
    private let axis: Int
    private let rowsAtOnce: Int
    private let piecesPerRun: Int

    /// - Parameter limit: the most elements that a piece may have.
    package init(_ shape: Shape, limit: Int) {
        self.shape = shape
        var axis = max(0, shape.rank - 1)
        var inner = 1
        while axis > 0, shape[axis] <= limit / max(1, inner) {
            inner *= max(1, shape[axis])
            axis -= 1
        }
        self.axis = axis
        guard shape.elementCount > 0, shape.rank > 0 else {
            (count, rowsAtOnce, piecesPerRun) = (shape.elementCount, 1, 1)
            return
        }
        rowsAtOnce = max(1, min(shape[axis], limit / inner))
        piecesPerRun = (shape[axis] - 1) / rowsAtOnce + 1
        count = shape.dimensions[..<axis].reduce(1, *) * piecesPerRun
    }

    /// The piece of that number of a view of this shape.
    package func piece(_ number: Int, of view: TensorView) throws(TensorError) -> TensorView {
        guard shape.rank > 0 else { return view }
        let start = number % piecesPerRun * rowsAtOnce
        var result = try view.sliced(axis: axis, start..<min(start + rowsAtOnce, shape[axis]))
        var rest = number / piecesPerRun
        for outer in stride(from: axis - 1, through: 0, by: -1) {
            let index = rest % shape[outer]
            rest /= shape[outer]
            result = try result.sliced(axis: outer, index..<index + 1)
        }
        return result
    }
}
