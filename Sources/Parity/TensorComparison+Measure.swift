import TensorCore

extension TensorComparison {
    /// Compares element by element.
    ///
    /// Nothing that is no number passes, not even against the like; equal infinities are equal. Shapes may
    /// differ in axes of length 1 only.
    ///
    /// - Parameter logitsSize: the size of the reference's logits; the tensor's own when nil.
    /// - Complexity: linear, in 64-bit arithmetic.
    package init(
        name: String, computed: FloatTensor, reference: FloatTensor, tolerance: Tolerance,
        logitsSize: Double? = nil
    ) {
        let significant = [computed.shape, reference.shape].map { $0.dimensions.filter { $0 != 1 } }
        guard significant[0] == significant[1] else {
            let message = "expected the shape \(reference.shape), computed \(computed.shape)"
            self.init(name: name, shape: reference.shape, message: message)
            return
        }
        self.init(name: name, shape: reference.shape)
        let size = Self.size(of: reference)
        absoluteTolerance = tolerance.absolute(for: size, logitsSize: logitsSize ?? size)
        relativeTolerance = tolerance.relative
        computed.values.withUnsafeBufferPointer { a in
            reference.values.withUnsafeBufferPointer { b in measure(a, b, reference.shape) }
        }
    }

    /// The size of a tensor: its root mean square, or a tenth of its largest magnitude if that is more. What is
    /// not finite does not count.
    package static func size(of tensor: FloatTensor) -> Double {
        var squares = 0.0
        var largest: Float = 0
        var count = 0
        for value in tensor.values where value.isFinite {
            squares += Double(value) * Double(value)
            largest = max(largest, value.magnitude)
            count += 1
        }
        return max((squares / Double(max(count, 1))).squareRoot(), Double(largest) / 10)
    }

    private mutating func measure(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, _ shape: Shape
    ) {
        var (product, normA, normB, squares) = (0.0, 0.0, 0.0, 0.0)
        var (worstExcess, worstPlace) = (-Double.infinity, 0)
        for place in 0..<b.count {
            let (left, right) = (Double(a[place]), Double(b[place]))
            var error = abs(left - right)
            if left == right { error = 0 }
            if error.isNaN {
                error = .infinity
                notNumbers += 1
            }
            let excess = error - (absoluteTolerance + relativeTolerance * (right.isFinite ? abs(right) : 0))
            if excess > 0 { failures += 1 }
            if excess > worstExcess { (worstExcess, worstPlace) = (excess, place) }
            maxAbsoluteError = max(maxAbsoluteError, error)
            if right != 0, !right.isInfinite || error > 0 {
                maxRelativeError = max(maxRelativeError, error.isFinite ? error / abs(right) : .infinity)
            }
            squares += error * error
            guard left.isFinite, right.isFinite else { continue }
            product += left * right
            normA += left * left
            normB += right * right
        }
        passed = failures == 0
        rootMeanSquareError = (squares / Double(max(b.count, 1))).squareRoot()
        let norms = (normA * normB).squareRoot()
        cosineSimilarity = norms > 0 ? min(1, max(-1, product / norms)) : normA == normB ? 1 : 0
        guard b.count > 0 else { return }
        worst = Place(
            index: Self.index(of: worstPlace, in: shape), computed: a[worstPlace], reference: b[worstPlace])
    }

    private static func index(of place: Int, in shape: Shape) -> [Int] {
        zip(shape.dimensions, shape.rowMajorStrides).map { length, stride in place / stride % max(1, length) }
    }
}
