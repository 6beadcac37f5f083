/// Other views of the same elements. No bytes move.
extension TensorView {
    /// The axes in another order: axis `k` of the result is axis `order[k]` of this view.
    ///
    /// - Throws: `TensorError.incompatible` when `order` is no permutation of the axes.
    package func permuted(_ order: [Int]) throws(TensorError) -> TensorView {
        guard order.sorted() == Array(0..<shape.rank) else {
            throw .incompatible("axes \(order) are no permutation of a tensor with \(shape.rank) axes")
        }
        return TensorView(
            viewing: self, shape: Shape(unchecked: order.map { shape[$0] }),
            strides: order.map { strides[$0] }, offset: offset)
    }

    /// The same elements, in row-major order, under another shape.
    ///
    /// Where strides cannot express it (a transposed tensor flattened, say) the result reads through the
    /// original when its bytes are asked for.
    ///
    /// - Throws: `TensorError.incompatible` when the number of elements differs.
    package func reshaped(_ newShape: Shape) throws(TensorError) -> TensorView {
        guard newShape.elementCount == shape.elementCount else {
            throw .incompatible("a tensor of shape \(shape) cannot take the shape \(newShape)")
        }
        if let strides = Self.strides(of: self, as: newShape) {
            return TensorView(viewing: self, shape: newShape, strides: strides, offset: offset)
        }
        return try TensorView(storage: .joined([self]), dtype: dtype, shape: newShape)
    }

    /// One element along `axis`; the axis disappears.
    ///
    /// - Throws: `TensorError.incompatible` when there is no such axis or element.
    package func selected(axis: Int, index: Int) throws(TensorError) -> TensorView {
        let narrowed = try sliced(axis: axis, index..<(index &+ 1))
        var dimensions = shape.dimensions
        var strides = strides
        dimensions.remove(at: axis)
        strides.remove(at: axis)
        return TensorView(
            viewing: narrowed, shape: Shape(unchecked: dimensions), strides: strides, offset: narrowed.offset)
    }

    /// The elements whose index along `axis` lies in `range`.
    ///
    /// - Throws: `TensorError.incompatible` when there is no such axis or range.
    package func sliced(axis: Int, _ range: Range<Int>) throws(TensorError) -> TensorView {
        guard shape.dimensions.indices.contains(axis), range.lowerBound >= 0, range.upperBound <= shape[axis]
        else {
            throw .incompatible(
                "elements \(range.lowerBound) to \(range.upperBound) of axis \(axis) lie outside a tensor of shape \(shape)"
            )
        }
        var dimensions = shape.dimensions
        dimensions[axis] = range.count
        let isEmpty = shape.elementCount == 0 || range.isEmpty
        return TensorView(
            viewing: self, shape: Shape(unchecked: dimensions), strides: strides,
            offset: isEmpty ? offset : offset + range.lowerBound * strides[axis])
    }

    /// Several tensors one after another along `axis`.
    ///
    /// - Throws: `TensorError.incompatible` when types, or lengths of the other axes, differ.
    package static func concatenated(_ parts: [TensorView], axis: Int) throws(TensorError) -> TensorView {
        guard let first = parts.first, first.shape.dimensions.indices.contains(axis) else {
            throw .incompatible("nothing to concatenate along axis \(axis)")
        }
        var length = 0
        for part in parts {
            var dimensions = part.shape.dimensions
            guard dimensions.count == first.shape.rank, part.dtype == first.dtype else {
                throw .incompatible(
                    "cannot concatenate \(first.dtype.rawValue) \(first.shape) with \(part.dtype.rawValue) \(part.shape)"
                )
            }
            length += dimensions[axis]
            dimensions[axis] = first.shape[axis]
            guard dimensions == first.shape.dimensions else {
                throw .incompatible("cannot concatenate \(first.shape) with \(part.shape) along axis \(axis)")
            }
        }
        // The joined storage runs along the concatenated axis first; strides put it back in its place.
        let order = [axis] + (0..<first.shape.rank).filter { $0 != axis }
        var dimensions = order.map { first.shape[$0] }
        dimensions[0] = length
        var rows: [TensorView] = []
        for part in parts { rows.append(try part.permuted(order)) }
        let joined = try TensorView(storage: .joined(rows), dtype: first.dtype, shape: try Shape(dimensions))
        return try joined.permuted((0..<first.shape.rank).map { order.firstIndex(of: $0) ?? 0 })
    }

    /// The same values in another type, converted when read.
    ///
    /// - Throws: `TensorError.noConversion` for types without one.
    package func converted(to target: DType) throws(TensorError) -> TensorView {
        guard target != dtype else { return self }
        guard ScalarConversion.isSupported(from: dtype, to: target) else {
            throw .noConversion(from: dtype, to: target)
        }
        return try TensorView(storage: .converted(self), dtype: target, shape: shape)
    }

    /// Strides that give `view` the shape `target`, or nil when the elements would have to move.
    ///
    /// Runs of axes that lie densely inside one another can be split and merged freely; a new axis must not
    /// cross from one run into the next.
    private static func strides(of view: TensorView, as target: Shape) -> [Int]? {
        guard view.shape.elementCount > 0 else { return target.rowMajorStrides }
        var runs: [(length: Int, stride: Int)] = []
        for (length, stride) in zip(view.shape.dimensions, view.strides) where length != 1 {
            if let last = runs.last, last.stride == length * stride {
                runs[runs.count - 1] = (last.length * length, stride)
            } else {
                runs.append((length, stride))
            }
        }
        var result = [Int](repeating: 1, count: target.rank)
        var run = runs.count - 1
        var taken = 1
        for axis in stride(from: target.rank - 1, through: 0, by: -1) where target[axis] != 1 {
            if run >= 0, taken == runs[run].length { (run, taken) = (run - 1, 1) }
            guard run >= 0, (runs[run].length / taken) % target[axis] == 0, runs[run].length % taken == 0
            else {
                return nil
            }
            result[axis] = runs[run].stride * taken
            taken *= target[axis]
        }
        return result
    }
}
