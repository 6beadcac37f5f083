import TensorCore

/// What is wrong with a Transformer's description or its input.
public enum TransformerError: Error, Sendable, Equatable {
    /// The names are not those of an encoder–decoder Transformer; what was looked for in vain.
    case notATransformer(missing: [String])
    /// A tensor whose shape says nothing that a Transformer could be built from.
    case unusableShape(name: String, shape: Shape, expected: String)
    /// Sizes that do not fit together, or that nobody means.
    case configuration(String)
    /// An input has another shape than the model takes.
    case input(String, expected: String, found: Shape)
    /// A token that the vocabulary does not have, or sequences that cannot be decoded.
    case tokens(String)
}

extension TransformerError: CustomStringConvertible {
    /// The error in words.
    public var description: String {
        switch self {
        case .notATransformer(let missing):
            "these are not an encoder–decoder Transformer's parameters: there is no "
                + missing.joined(separator: ", no ")
        case .unusableShape(let name, let shape, let expected):
            "\(name): expected \(expected), found shape \(shape)"
        case .configuration(let detail), .tokens(let detail):
            detail
        case .input(let name, let expected, let found):
            "the \(name) has the shape \(found), expected \(expected)"
        }
    }
}
