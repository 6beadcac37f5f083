import Layers

/// Everything that the forward pass of an encoder–decoder Transformer needs to know beside its parameters.
///
/// The defaults are those of `torch.nn.Transformer`, whose sizes are the base model's of Vaswani et al. (arXiv
/// 1706.03762, table 3).
public struct TransformerConfiguration: Sendable, Equatable {
    /// What stands between the two maps of a layer's feed-forward part.
    public enum Activation: String, Sendable, CaseIterable {
        /// max(x, 0), the original's and torch's default.
        case relu
        /// x·Φ(x), by the error function: torch's `activation="gelu"`.
        case gelu
        /// The approximation of it by tanh.
        case geluTanh = "gelu-tanh"
        /// x·σ(1.702·x).
        case geluQuick = "gelu-quick"
    }

    /// The length of a token, d_model.
    public var width = 512
    /// The number of attention heads; divides ``width``.
    public var heads = 8
    /// The number of the encoder's layers.
    public var encoderDepth = 6
    /// The number of the decoder's layers.
    public var decoderDepth = 6
    /// The inner length of the feed-forward part, d_ff.
    public var hidden = 2048
    /// Whether linear maps and norms have biases.
    public var bias = true
    /// Whether a norm follows the encoder's last layer.
    public var encoderNorm = true
    /// Whether a norm follows the decoder's last layer.
    public var decoderNorm = true
    /// Whether norms stand before each branch, and not behind its addition as in the original.
    public var normFirst = false
    /// The activation of the feed-forward part.
    public var activation = Activation.relu
    /// The constant under the square root of every LayerNorm.
    public var layerNormEpsilon = 1e-5

    /// The configuration of the base model; every property can be set.
    public init() {}
}

extension TransformerConfiguration {
    /// The length of a head.
    public var headWidth: Int { width / max(1, heads) }

    /// A model that Vaswani et al. describe, by its sizes.
    private struct KnownSize {
        let name: String
        let width: Int
        let hidden: Int
        let heads: Int
        static let depth = 6
        static let all = [
            KnownSize(name: "base", width: 512, hidden: 2048, heads: 8),
            KnownSize(name: "big", width: 1024, hidden: 4096, heads: 16),
        ]
    }

    private var knownSize: KnownSize? {
        guard encoderDepth == KnownSize.depth, decoderDepth == KnownSize.depth else { return nil }
        return KnownSize.all.first { $0.width == width && $0.hidden == hidden }
    }

    /// The number of heads of the published model of these sizes.
    var knownHeads: Int? { knownSize?.heads }

    /// A line that says what a model is: "Transformer base, 6 + 6 layers, width 512, 8 heads, 44.1 M parameters".
    public var summary: String {
        let size = knownSize.flatMap { $0.heads == heads ? " " + $0.name : nil } ?? ""
        var parts = [
            "Transformer\(size)", "\(encoderDepth) + \(decoderDepth) layers", "width \(width)",
            "\(heads) head\(heads == 1 ? "" : "s")",
        ]
        if hidden != 4 * width { parts.append("feed-forward \(hidden)") }
        if normFirst { parts.append("norms first") }
        if activation != .relu { parts.append(activation.rawValue) }
        if !bias { parts.append("no biases") }
        parts.append("\(parameters.roundedElementCount) parameters")
        return parts.joined(separator: ", ")
    }
}
