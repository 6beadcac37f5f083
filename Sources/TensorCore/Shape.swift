/// The lengths of a tensor's axes, outermost first; no shape exists whose size does not fit an `Int`.
public struct Shape: Sendable, Hashable {
    /// The length of each axis.
    public let dimensions: [Int]
    /// The product of the lengths; 1 for a scalar.
    public let elementCount: Int

    /// - Throws: `TensorError.invalidShape` for a negative length or a product that overflows.
    public init(_ dimensions: [Int]) throws(TensorError) {
        guard let count = Self.product(dimensions) else { throw .invalidShape(dimensions) }
        self.dimensions = dimensions
        elementCount = count
    }

    /// A shape made of another's lengths in another order or grouping.
    package init(unchecked dimensions: [Int]) {
        self.dimensions = dimensions
        elementCount = Self.product(dimensions) ?? 0
    }

    /// The scalar: no axes, one element.
    public static let scalar = Shape(unchecked: [])

    private static func product(_ dimensions: [Int]) -> Int? {
        guard dimensions.allSatisfy({ $0 >= 0 }) else { return nil }
        if dimensions.contains(0) { return 0 }
        var count = 1
        for dimension in dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            count = product
        }
        return count
    }

    /// The number of axes.
    public var rank: Int { dimensions.count }
    /// The length of one axis.
    public subscript(axis: Int) -> Int { dimensions[axis] }

    /// The strides, in elements, of a tensor laid out with the last axis fastest.
    public var rowMajorStrides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        var step = 1
        for axis in stride(from: rank - 1, through: 0, by: -1) {
            strides[axis] = step
            step = step.multipliedReportingOverflow(by: max(1, dimensions[axis])).partialValue
        }
        return strides
    }

    /// The strides, in elements, of a tensor laid out with the first axis fastest (Fortran order).
    package var columnMajorStrides: [Int] {
        Array(Shape(unchecked: dimensions.reversed()).rowMajorStrides.reversed())
    }
}

extension Shape: CustomStringConvertible {
    /// As Python prints a list: `[768, 3, 16, 16]`.
    public var description: String {
        "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
    }
}
