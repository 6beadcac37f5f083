import TensorCore

/// What is wrong with a model's description or its input.
public enum ViTError: Error, Sendable, Equatable {
    /// The names are not those of a Vision Transformer; what was looked for in vain.
    case notAVisionTransformer(missing: [String])
    /// A tensor whose shape says nothing that a Vision Transformer could be built from.
    case unusableShape(name: String, shape: Shape, expected: String)
    /// Sizes that do not fit together, or that nobody means.
    case configuration(String)
    /// The input has another height or width than the model was made for.
    case imageSize(expected: ViTConfiguration.Size, found: ViTConfiguration.Size)
    /// The input has another number of channels.
    case channels(expected: Int, found: Int)
    /// The input is no batch of at least one image.
    case inputShape(Shape)
    /// An attention mask that does not fit the model's tokens.
    case attentionMask(String)
    /// A dropout rate that is no probability, or recorded masks that do not fit the model.
    case dropout(String)
    /// A feature that the model does not have.
    case feature(String)
}

extension ViTError: CustomStringConvertible {
    /// The error in words.
    public var description: String {
        switch self {
        case .notAVisionTransformer(let missing):
            "these are not a Vision Transformer's parameters: there is no \(missing.joined(separator: ", no "))"
        case .unusableShape(let name, let shape, let expected):
            "\(name): expected \(expected), found shape \(shape)"
        case .configuration(let detail), .attentionMask(let detail), .dropout(let detail),
            .feature(let detail):
            detail
        case .imageSize(let expected, let found):
            "the input is \(found.height)×\(found.width) pixels (height × width), "
                + "but the model takes \(expected.height)×\(expected.width)"
        case .channels(let expected, let found):
            "the input has \(found) channels, but the model takes \(expected)"
        case .inputShape(let shape):
            "expected one or more images [batch, channels, height, width], found shape \(shape)"
        }
    }
}
