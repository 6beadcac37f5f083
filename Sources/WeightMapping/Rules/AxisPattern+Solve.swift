import TensorCore

extension AxisPattern {
    /// The shape on the right for a tensor that has the shape on the left.
    ///
    /// - Parameter lengths: lengths that are known beforehand (heads, channels); what the shape says itself
    ///   goes before them.
    /// - Throws: `TensorError.incompatible` when the shape does not fit the left side.
    package func shape(from shape: Shape, lengths known: [String: Int] = [:]) throws(TensorError) -> Shape {
        try solve(shape, lengths: known).shape
    }

    /// The shape on the right, and the lengths by their names: those that `shape` told, and those known.
    func solve(
        _ shape: Shape, lengths known: [String: Int]
    ) throws(TensorError) -> (shape: Shape, lengths: [String: Int]) {
        guard shape.rank == left.count else {
            throw .incompatible("expected \(left.count) axes for '\(text)', found the shape \(shape)")
        }
        var lengths: [String: Int] = [:]
        // Axes of one length first: they tell what the groups need.
        for (axis, group) in left.enumerated() where group.count == 1 {
            try bind(group[0], to: shape[axis], in: shape, &lengths)
        }
        lengths.merge(known) { own, _ in own }
        for (axis, group) in left.enumerated() where group.count != 1 {
            try solve(group, product: shape[axis], in: shape, &lengths)
        }
        var dimensions: [Int] = []
        for group in right {
            var product = 1
            for length in group {
                let value: Int
                switch length {
                case .fixed(let fixed): value = fixed
                case .named(let name):
                    guard let known = lengths[name] else { throw mismatch(shape) }
                    value = known
                }
                let (next, overflow) = product.multipliedReportingOverflow(by: value)
                guard !overflow else { throw mismatch(shape) }
                product = next
            }
            dimensions.append(product)
        }
        let result = try Shape(dimensions)
        guard result.elementCount == shape.elementCount else { throw mismatch(shape) }
        return (result, lengths)
    }

    private func mismatch(_ shape: Shape) -> TensorError {
        .incompatible("the shape \(shape) does not fit '\(text)'")
    }

    private func bind(
        _ length: Length, to value: Int, in shape: Shape, _ lengths: inout [String: Int]
    ) throws(TensorError) {
        switch length {
        case .fixed(let expected):
            guard value == expected else { throw mismatch(shape) }
        case .named(let name):
            guard lengths[name] ?? value == value else { throw mismatch(shape) }
            lengths[name] = value
        }
    }

    /// Finds the one unknown length of a group, which may occur several times in it: a whole root.
    private func solve(
        _ group: [Length], product: Int, in shape: Shape, _ lengths: inout [String: Int]
    ) throws(TensorError) {
        var rest = product
        var unknown: [String] = []
        for length in group {
            let value: Int
            switch length {
            case .fixed(let fixed): value = fixed
            case .named(let name):
                guard let known = lengths[name] else {
                    unknown.append(name)
                    continue
                }
                value = known
            }
            guard value > 0, rest % value == 0 else { throw mismatch(shape) }
            rest /= value
        }
        guard let name = unknown.first else {
            guard rest == 1 else { throw mismatch(shape) }
            return
        }
        guard Set(unknown).count == 1 else {
            throw .incompatible("'\(text)' needs to know \(Set(unknown).sorted().joined(separator: " or "))")
        }
        let root = Self.wholeRoot(of: rest, degree: unknown.count)
        guard let root else { throw mismatch(shape) }
        lengths[name] = root
    }

    private static func wholeRoot(of value: Int, degree: Int) -> Int? {
        let guess = Int(pow(Double(value), 1 / Double(degree)).rounded())
        var power = 1
        for _ in 0..<degree {
            let (next, overflow) = power.multipliedReportingOverflow(by: guess)
            if overflow { return nil }
            power = next
        }
        return power == value ? guess : nil
    }
}
