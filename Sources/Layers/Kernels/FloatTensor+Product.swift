import TensorCore

extension FloatTensor {
    /// The matrix product of two tensors of rank 2: `[rows, inner]` · `[inner, columns]` → `[rows, columns]`.
    ///
    /// - Throws: `TensorError.incompatible` when they are no such matrices.
    public func multiplied(by right: FloatTensor) throws(TensorError) -> FloatTensor {
        guard shape.rank == 2, right.shape.rank == 2, shape[1] == right.shape[0],
            [shape[0], shape[1], right.shape[1]].allSatisfy({ $0 <= Int32.max })
        else {
            throw .incompatible("there is no matrix product of \(shape) and \(right.shape)")
        }
        let (rows, inner, columns) = (shape[0], shape[1], right.shape[1])
        var result = FloatTensor(zeros: try Shape([rows, columns]))
        guard rows > 0, inner > 0, columns > 0 else { return result }
        values.withUnsafeBufferPointer { left in
            right.values.withUnsafeBufferPointer { right in
                result.values.withUnsafeMutableBufferPointer { target in
                    guard let left = left.baseAddress, let right = right.baseAddress,
                        let target = target.baseAddress
                    else { return }
                    Self.multiply(
                        Matrix(UnsafeMutablePointer(mutating: left), rows: rows, columns: inner),
                        Matrix(UnsafeMutablePointer(mutating: right), rows: inner, columns: columns),
                        into: Matrix(target, rows: rows, columns: columns))
                }
            }
        }
        return result
    }

    private static func multiply(_ left: Matrix, _ right: Matrix, into target: Matrix) {
        let tiles = MatrixProduct.tiles(rows: target.rowCount, columns: target.columnCount)
        Parallel.forEach(tiles.count) { index in
            let tile = tiles[index]
            MatrixProduct.multiply(
                left.rows(tile.rows), right.columns(tile.columns), transposingRight: false,
                into: target.rows(tile.rows).columns(tile.columns))
        }
    }
}
