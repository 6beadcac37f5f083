/// A dense tensor of 32-bit floats in memory, row-major: images, logits, activations.
public struct FloatTensor: Sendable, Equatable {
    /// The lengths of the axes.
    public let shape: Shape
    /// The elements, last axis fastest; as many as the shape says.
    public var values: [Float]

    /// A tensor of given elements.
    ///
    /// - Parameters:
    ///   - shape: the lengths of the axes.
    ///   - values: the elements, last axis fastest.
    /// - Throws: `TensorError.incompatible` when the number of values is not that of the shape.
    public init(shape: Shape, values: [Float]) throws(TensorError) {
        guard values.count == shape.elementCount else {
            throw .incompatible("\(values.count) values do not fill the shape \(shape)")
        }
        self.shape = shape
        self.values = values
    }

    /// A matrix from its rows.
    ///
    /// - Throws: `TensorError.incompatible` when they are not of one length.
    public init(rows: [[Float]]) throws(TensorError) {
        let length = rows.first?.count ?? 0
        guard rows.allSatisfy({ $0.count == length }) else {
            throw .incompatible("the rows of a matrix are of one length, found \(rows.map(\.count))")
        }
        try self.init(shape: Shape([rows.count, length]), values: rows.flatMap(\.self))
    }

    /// A tensor of zeros.
    public init(zeros shape: Shape) {
        self.shape = shape
        values = [Float](repeating: 0, count: shape.elementCount)
    }

    /// Reads a tensor of any real type, widened or narrowed to 32-bit floats.
    ///
    /// - Parameter view: the tensor; it is read once.
    /// - Throws: `TensorError.noConversion` for a type that is not real; what reading its bytes throws.
    public init(_ view: TensorView) throws {
        shape = view.shape
        values = try view.floats()
    }
}
