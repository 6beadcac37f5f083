/// What is wrong with a tensor's description, or with an operation on it.
public enum TensorError: Error, Sendable, Equatable {
    /// A length is negative or too large, or the number of elements overflows.
    case invalidShape([Int])
    /// More axes than are read; how many.
    case tooManyAxes(Int)
    /// Elements would lie outside the bytes that there are.
    case outsideStorage(shape: [Int], strides: [Int], offset: Int, dtype: DType, storageBytes: Int)
    /// Strides of 0 would make a small storage into more bytes than is reasonable.
    case expandedTooFar(bytes: Int, storageBytes: Int)
    /// Shapes do not go together; what was expected and what was found.
    case incompatible(String)
    /// Elements of one type have no counterpart in the other.
    case noConversion(from: DType, to: DType)
}

extension TensorError: CustomStringConvertible {
    /// The error in words.
    public var description: String {
        switch self {
        case .invalidShape(let dimensions):
            "\(dimensions) is no shape: a length is negative or too large, or the number of elements overflows"
        case .tooManyAxes(let count):
            "a tensor of \(count) axes; at most \(Shape.largestRank) are read"
        case .outsideStorage(let shape, let strides, let offset, let dtype, let storageBytes):
            "shape \(shape) with strides \(strides) and offset \(offset) in \(dtype.rawValue) reaches outside "
                + "its storage of \(storageBytes) bytes"
        case .expandedTooFar(let bytes, let storageBytes):
            "an expanded view claims \(bytes) bytes over a storage of \(storageBytes) bytes"
        case .incompatible(let detail):
            detail
        case .noConversion(let source, let target):
            "elements of type \(source.rawValue) cannot be converted to \(target.rawValue)"
        }
    }
}
