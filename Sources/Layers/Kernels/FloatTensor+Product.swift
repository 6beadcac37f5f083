import TensorCore

extension FloatTensor {
    /// The matrix product of two tensors of rank 2: `[rows, inner]` · `[inner, columns]` → `[rows, columns]`.
    ///
    /// - Throws: `TensorError.incompatible` when they are no such matrices.
    public func multiplied(by right: FloatTensor) throws(TensorError) -> FloatTensor {
        try product(right, transposingRight: false)
    }

    /// The matrix product with another's transpose: `[rows, inner]` · `[columns, inner]`ᵀ → `[rows, columns]`.
    ///
    /// - Throws: `TensorError.incompatible` when they are no such matrices.
    public func multiplied(byTransposed right: FloatTensor) throws(TensorError) -> FloatTensor {
        try product(right, transposingRight: true)
    }

    private func product(_ right: FloatTensor, transposingRight: Bool) throws(TensorError) -> FloatTensor {
        let (innerAxis, columnAxis) = transposingRight ? (1, 0) : (0, 1)
        guard shape.rank == 2, right.shape.rank == 2, shape[1] == right.shape[innerAxis],
            [shape[0], shape[1], right.shape[columnAxis]].allSatisfy({ $0 <= Int32.max })
        else {
            throw .incompatible(
                "there is no matrix product of \(shape) and \(right.shape)\(transposingRight ? " transposed" : "")"
            )
        }
        let (rows, inner, columns) = (shape[0], shape[1], right.shape[columnAxis])
        var result = FloatTensor(zeros: try Shape([rows, columns]))
        guard rows > 0, inner > 0, columns > 0 else { return result }
        values.withUnsafeBufferPointer { left in
            right.values.withUnsafeBufferPointer { right in
                result.values.withUnsafeMutableBufferPointer { target in
                    guard let left = left.baseAddress, let right = right.baseAddress,
                        let target = target.baseAddress
                    else { return }
                    MatrixProduct.spread(
                        Matrix(UnsafeMutablePointer(mutating: left), rows: rows, columns: inner),
                        Matrix(
                            UnsafeMutablePointer(mutating: right), rows: transposingRight ? columns : inner,
                            columns: transposingRight ? inner : columns),
                        transposingRight: transposingRight, into: Matrix(target, rows: rows, columns: columns)
                    )
                }
            }
        }
        return result
    }
}
