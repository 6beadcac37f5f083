import TensorCore

extension TensorOperation {
    /// What a step made.
    struct Outcome {
        let tensors: [TensorView]
        /// The step in words, for the provenance; none when nothing changed.
        let description: String?
        /// The lengths that a reshape's pattern gives names to, as the shapes told them.
        let lengths: [String: Int]

        init(_ tensors: [TensorView], _ description: String?, lengths: [String: Int] = [:]) {
            self.tensors = tensors
            self.description = description
            self.lengths = lengths
        }
    }

    /// Takes the step. Complexity: that of the list's length; no element is read but by `removeZeros`.
    ///
    /// - Parameter lengths: named lengths that shapes do not tell (heads, channels).
    func apply(to tensors: [TensorView], lengths: [String: Int]) throws -> Outcome {
        switch self {
        case .transpose(let order):
            let axes = order.map(String.init).joined(separator: ", ")
            return Outcome(try tensors.map { try $0.permuted(order) }, "transpose(\(axes))")
        case .reshape(let pattern):
            let solved = try tensors.map { try pattern.solve($0.shape, lengths: lengths) }
            guard let first = solved.first else { return Outcome([], nil) }
            let reshaped = try zip(tensors, solved).map { try $0.reshaped($1.shape) }
            return Outcome(reshaped, "reshape(\(first.shape))", lengths: first.lengths)
        case .concatenate(let axis, let ratios):
            let joined = try TensorView.concatenated(tensors, axis: axis)
            let pieces = try Self.pieces(of: joined.shape, axis: axis, ratios: ratios)
            guard tensors.map({ $0.shape[axis] }) == pieces.map(\.count) else {
                throw TensorError.incompatible(
                    "expected lengths in the ratios \(ratios) along axis \(axis), "
                        + "found \(tensors.map { $0.shape[axis] })")
            }
            return Outcome([joined], "concatenate(axis \(axis))")
        case .split(let axis, let ratios):
            let whole = try Self.only(tensors)
            let pieces = try Self.pieces(of: whole.shape, axis: axis, ratios: ratios)
            return Outcome(try pieces.map { try whole.sliced(axis: axis, $0) }, "split(axis \(axis))")
        case .select(let axis):
            let whole = try Self.only(tensors)
            guard whole.shape.dimensions.indices.contains(axis) else {
                throw TensorError.incompatible("expected an axis \(axis), found the shape \(whole.shape)")
            }
            let elements = try (0..<whole.shape[axis]).map { try whole.selected(axis: axis, index: $0) }
            return Outcome(elements, "select(axis \(axis))")
        case .stack(let axis):
            let rows = try tensors.map { tensor in
                guard axis <= tensor.shape.rank else {
                    throw TensorError.incompatible("expected \(axis) axes, found the shape \(tensor.shape)")
                }
                var dimensions = tensor.shape.dimensions
                dimensions.insert(1, at: axis)
                return try tensor.reshaped(try Shape(dimensions))
            }
            return Outcome([try TensorView.concatenated(rows, axis: axis)], "stack(axis \(axis))")
        case .insertZeros(let place):
            guard let model = tensors.first, place <= tensors.count else {
                throw TensorError.incompatible("no place \(place) among \(tensors.count) tensors for zeros")
            }
            var result = tensors
            result.insert(try TensorView.zeros(model.dtype, model.shape), at: place)
            return Outcome(result, "zeros at place \(place)")
        case .removeZeros(let place):
            guard tensors.indices.contains(place) else {
                throw TensorError.incompatible("no place \(place) among \(tensors.count) tensors")
            }
            var result = tensors
            guard try result.remove(at: place).floats().allSatisfy({ $0 == 0 }) else {
                throw TensorError.incompatible("the values that the other form has no place for are not zero")
            }
            return Outcome(result, nil)
        }
    }

    private static func only(_ tensors: [TensorView]) throws(TensorError) -> TensorView {
        guard let tensor = tensors.first, tensors.count == 1 else {
            throw .incompatible("expected one tensor, found \(tensors.count)")
        }
        return tensor
    }

    /// The ranges along an axis that stand in the given ratios.
    private static func pieces(of shape: Shape, axis: Int, ratios: [Int]) throws(TensorError) -> [Range<Int>]
    {
        let sum = ratios.reduce(0, +)
        guard shape.dimensions.indices.contains(axis), sum > 0, shape[axis] % sum == 0 else {
            throw .incompatible("axis \(axis) of the shape \(shape) does not part in the ratios \(ratios)")
        }
        let unit = shape[axis] / sum
        var start = 0
        return ratios.map { ratio in
            defer { start += ratio * unit }
            return start..<start + ratio * unit
        }
    }
}
