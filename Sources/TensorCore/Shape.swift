/// The lengths of a tensor's axes, outermost first; no shape exists whose size does not fit an `Int`.
///
/// A shape without elements costs a file nothing, whatever else it says: its other lengths are bounded too, so that
/// sums and products of a few lengths do not overflow.
public struct Shape: Sendable, Hashable {
    /// The length of each axis.
    public let dimensions: [Int]
    /// The product of the lengths; 1 for a scalar.
    public let elementCount: Int

    /// The most axes that a tensor may have: PyTorch's and NumPy's own limit.
    package static let largestRank = 64
    private static let longestWithoutElements = 1 << 40

    /// - Throws: `TensorError.invalidShape` for a negative length or a product that overflows,
    ///   `TensorError.tooManyAxes` for more than 64.
    public init(_ dimensions: [Int]) throws(TensorError) {
        guard dimensions.count <= Self.largestRank else { throw .tooManyAxes(dimensions.count) }
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
        var count = 1
        for dimension in dimensions where dimension > 0 {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            count = product
        }
        guard dimensions.contains(0) else { return count }
        return count <= longestWithoutElements ? 0 : nil
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
