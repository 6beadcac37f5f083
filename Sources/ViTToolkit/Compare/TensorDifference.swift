import TensorCore
import WeightMapping

/// How one parameter of two checkpoints compares.
public struct TensorDifference: Sendable {
    /// What was found; raw values are those of `compare --json`.
    public enum Status: String, Sendable, CaseIterable {
        /// The same type, shape and bits; so a NaN is identical to the same NaN.
        case identical
        /// Other types, the same values: converting the wider type to the narrower, rounding to nearest, gives the
        /// narrower's bits, whatever a NaN's payload. Of two types of one width either way will do; a type that
        /// nothing is converted to (8-bit floats, integers) is widened.
        case equalAfterCast
        /// Other bits, and every element within the tolerance that was set.
        case withinTolerance
        /// Other shapes.
        case resized
        /// Other bits.
        case changed
        /// In one of the two only.
        case missing
    }

    /// The tensor on one side.
    public struct Side: Sendable, Equatable {
        /// The type of its elements.
        public let dtype: DType
        /// The lengths of its axes, in the canonical layout.
        public let shape: [Int]
        /// The names of the file's tensors that it is made of.
        public let sources: [String]

        init(_ tensor: MappedTensor) {
            dtype = tensor.view.dtype
            shape = tensor.view.shape.dimensions
            sources = tensor.sources
        }
    }

    /// The name: canonical, or that of the file for a tensor without a place in the model.
    public let name: String
    /// The part of the model that it belongs to: the name up to its first number (`blocks.0`), or its first word.
    public let block: String
    /// What was found.
    public let status: Status
    /// Whether that counts as equal, by the options.
    public let isEqual: Bool
    /// The tensor in the first checkpoint; nil when it is missing there.
    public let a: Side?
    /// The tensor in the second.
    public let b: Side?
    /// How many elements differ: in bits where the types are the same, in value where they are not.
    public let differingCount: Int?
    /// How far the elements lie apart, where the status leaves that open; nil for complex numbers.
    public let measure: DifferenceMeasure?

    /// A name up to its first number (`blocks.0`), or its first word.
    static func block(of name: String) -> String {
        var end: String.Index?
        var word = name.startIndex
        for index in name.indices + [name.endIndex]
        where index == name.endIndex || name[index] == "." || name[index] == "/" {
            if end == nil { end = index }
            if word < index, name[word..<index].utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
                return String(name[..<index])
            }
            if index < name.endIndex { word = name.index(after: index) }
        }
        return String(name[..<(end ?? name.endIndex)])
    }
}
