import Pictures

/// Everything that the forward pass of a Vision Transformer needs to know beside its parameters.
///
/// The defaults are those of ViT-B/16 at 224 pixels with 1000 classes (Dosovitskiy et al., arXiv 2010.11929).
public struct ViTConfiguration: Sendable, Equatable {
    /// A height and a width, in pixels or in patches.
    public struct Size: Sendable, Hashable {
        /// The number of rows.
        public var height: Int
        /// The number of columns.
        public var width: Int

        /// A rectangle.
        ///
        /// - Parameters:
        ///   - height: the number of rows.
        ///   - width: the number of columns.
        public init(height: Int, width: Int) {
            self.height = height
            self.width = width
        }

        /// A square.
        public init(_ side: Int) {
            self.init(height: side, width: side)
        }
    }

    /// The approximation of the Gaussian error linear unit.
    public enum GELU: String, Sendable, CaseIterable {
        /// x·Φ(x), by the error function: timm, Hugging Face, torchvision, Keras.
        case exact
        /// The approximation by tanh: flax's default.
        case tanh
        /// x·σ(1.702·x): OpenAI's CLIP.
        case quick
    }

    /// The form of a block's second half.
    public enum MLPKind: String, Sendable, CaseIterable {
        /// fc2(gelu(fc1(x)))
        case plain
        /// fc2(silu(fc1_g(x)) · fc1_x(x)), timm's `SwiGLU`.
        case swiGLU = "swiglu"
        /// The same with both maps in one `fc1`, gate first, timm's `SwiGLUPacked`.
        case swiGLUPacked = "swiglu-packed"
    }

    /// How one feature row is made from all tokens.
    public enum Pooling: String, Sendable, CaseIterable {
        /// The class token's row.
        case token
        /// The mean of the patches' rows.
        case average = "avg"
        /// The class token's row and behind it the mean of the patches' rows: DINOv2's linear classifiers.
        case tokenAndAverage = "token-avg"
        /// Attention from a learned query, timm's `AttentionPoolLatent`.
        case attention = "map"
    }

    /// Which tokens the position embedding has rows for.
    public enum Positions: String, Sendable, CaseIterable {
        /// Class and distillation tokens, registers and patches.
        case all
        /// Class and distillation tokens and patches, but no registers (DINOv2).
        case classAndPatches = "class"
        /// Patches only (DeiT-3, big_vision).
        case patches
    }

    /// How pixels in 0…1 become the model's input: (pixel − mean) / standard deviation, per channel.
    public struct Preprocessing: Sendable, Equatable {
        /// The mean of each channel.
        public var mean: [Double]
        /// The standard deviation of each channel.
        public var standardDeviation: [Double]
        /// How a picture is fitted to the input, where it is known.
        public var resizing: Resizing?

        /// One number per channel in each.
        ///
        /// - Parameters:
        ///   - mean: of each channel, for values in 0…1.
        ///   - standardDeviation: of each channel.
        public init(mean: [Double], standardDeviation: [Double]) {
            self.mean = mean
            self.standardDeviation = standardDeviation
        }
    }

    /// The input's height and width in pixels.
    public var imageSize = Size(224)
    /// A patch's height and width in pixels.
    public var patchSize = Size(16)
    /// The input's channels.
    public var channels = 3
    /// The length of a token.
    public var width = 768
    /// The number of blocks.
    public var depth = 12
    /// The number of attention heads; divides ``width``.
    public var heads = 12
    /// The inner length of the MLP: what its second map takes.
    public var hidden = 3072
    /// The number of classes; 0 for a model without a head, whose output is the features.
    public var classes = 1000

    /// Whether the patch projection has a bias.
    public var patchBias = true
    /// Whether a norm follows the patch projection.
    public var patchNorm = false
    /// Whether the map to queries, keys and values has a bias.
    public var qkvBias = true
    /// Whether queries and keys are normalised, head by head.
    public var qkNorm = false
    /// The factor of the attention scores; the inverse square root of the head's length when nil.
    public var qkScale: Double?
    /// The form of the MLP.
    public var mlp = MLPKind.plain
    /// Whether a norm stands before the MLP's second map.
    public var mlpNorm = false
    /// The activation of a plain MLP.
    public var gelu = GELU.exact
    /// Whether each branch is multiplied by a learned factor per channel before it is added.
    public var layerScale = false

    /// Whether there is a class token.
    public var classToken = true
    /// Whether there are a distillation token and a second head (DeiT, arXiv 2012.12877).
    public var distilled = false
    /// The number of register tokens (arXiv 2309.16588).
    public var registers = 0
    /// Which tokens have a position.
    public var positions = Positions.all

    /// Whether a norm stands before the first block (CLIP).
    public var preNorm = false
    /// Whether a norm follows the last block.
    public var norm = true
    /// Whether a norm follows the pooling.
    public var fcNorm = false
    /// How tokens become features.
    public var pooling = Pooling.token
    /// The inner length of the attention pooling's MLP.
    public var poolHidden = 3072
    /// Whether the attention pooling adds positions of its own.
    public var poolPositions = false
    /// The length of the representation that a linear map and tanh make before the head; nil for none.
    public var preLogits: Int?
    /// Whether the head has a bias.
    public var headBias = true
    /// The constant under the square root of every LayerNorm.
    public var layerNormEpsilon = 1e-6

    /// How the model's input was made from pixels, where it is known.
    public var preprocessing: Preprocessing?
    /// The names of the classes, in the head's order, where they are known.
    public var labels: [String]?

    /// The configuration of ViT-B/16; every property can be set.
    public init() {}
}

extension ViTConfiguration {
    /// The number of patches in a column and in a row.
    public var gridSize: Size {
        Size(
            height: imageSize.height / max(1, patchSize.height),
            width: imageSize.width / max(1, patchSize.width))
    }

    /// The number of patches.
    public var patchCount: Int { gridSize.height * gridSize.width }
    /// The number of tokens in front of the patches: class, distillation, registers.
    public var prefixCount: Int { (classToken ? 1 : 0) + (distilled ? 1 : 0) + registers }
    /// The number of tokens.
    public var tokenCount: Int { prefixCount + patchCount }
    /// The length of a head.
    public var headWidth: Int { width / max(1, heads) }
    /// The length of the features that the head takes.
    public var featureCount: Int { preLogits ?? pooledCount }
    /// The length of the row that the pooling makes of an image's tokens.
    package var pooledCount: Int { pooling == .tokenAndAverage ? 2 * width : width }

    /// The number of prefix tokens that have a row in the position embedding.
    package var positionPrefixCount: Int {
        switch positions {
        case .all: prefixCount
        case .classAndPatches: prefixCount - registers
        case .patches: 0
        }
    }
}
