import TensorCore
import ViT
import WeightMapping

/// What a user says about a checkpoint that its shapes cannot tell, and what is to be changed on the way.
public struct ModelOptions: Sendable {
    /// Which nested dictionary holds the weights (`state_dict_ema`), where there are several.
    public var select: String?
    /// The naming scheme of the tensors, by the name that `NamingScheme` has for it, instead of telling it.
    public var scheme: String?
    /// A naming scheme of the user's own, which then is the only one.
    package var rules: NamingScheme?
    /// The number of attention heads.
    public var heads: Int?
    /// The image size in pixels: of the weights where their position embedding fits it, else the one to
    /// resample to.
    public var imageSize: ViTConfiguration.Size?
    /// The number of classes; a head with another number is initialised anew, 0 drops it.
    public var classes: Int?
    /// Whether the pre-logits layer is left out.
    public var dropsPreLogits = false
    /// The type of all parameters: F32, F16 or BF16; nil keeps each as it is.
    public var dtype: DType?
    /// The form of GELU; for an encoder–decoder Transformer, that its activation is GELU and not ReLU.
    public var gelu: ViTConfiguration.GELU?
    /// Whether the norms of an encoder–decoder Transformer stand before its branches.
    public var normFirst: Bool?
    /// The epsilon of every LayerNorm.
    public var layerNormEpsilon: Double?
    /// How the tokens become features, where names do not tell (average pooling before a final norm).
    public var pooling: ViTConfiguration.Pooling?
    /// What is laid out otherwise than names and shapes say.
    public var repairs = Repairs()
    /// How the position embedding is resampled to another image size.
    public var interpolation = PositionInterpolation.bicubicAntialias
    /// Whether a checkpoint that would run code when loaded in Python is converted all the same; it never does here.
    public var allowsUnsafeSource = false
    /// The seed from which a new head is drawn.
    public var seed: UInt64 = 0

    /// Takes a checkpoint as it is.
    public init() {}
}
