extension TensorView {
    /// Zeros that take one element's memory.
    package static func zeros(_ dtype: DType, _ shape: Shape) throws(TensorError) -> TensorView {
        let element = ByteRegion([UInt8](repeating: 0, count: dtype.itemSize))
        return try TensorView(
            storage: .bytes(element, .little), dtype: dtype, shape: shape,
            strides: [Int](repeating: 0, count: shape.rank))
    }

    /// The same tensor with zeros at the given places along `axis`.
    ///
    /// - Throws: `TensorError` when there is no such axis, or the places do not follow on the tensor's own.
    package func insertingZeros(axis: Int, _ places: Range<Int>) throws(TensorError) -> TensorView {
        guard shape.dimensions.indices.contains(axis), (0...shape[axis]).contains(places.lowerBound) else {
            throw .incompatible("no place \(places.lowerBound) for zeros along axis \(axis) of \(shape)")
        }
        var dimensions = shape.dimensions
        dimensions[axis] = places.count
        let parts = [
            try sliced(axis: axis, 0..<places.lowerBound), try .zeros(dtype, try Shape(dimensions)),
            try sliced(axis: axis, places.lowerBound..<shape[axis]),
        ]
        return try .concatenated(parts, axis: axis)
    }
}
