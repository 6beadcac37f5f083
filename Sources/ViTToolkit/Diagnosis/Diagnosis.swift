/// Why a model does not compute what a reference says, as far as trying the usual causes tells.
public struct Diagnosis: Sendable, Equatable {
    /// What usually goes wrong, named as the flags are.
    public enum Cause: String, Sendable, CaseIterable {
        /// The constant under the square root of every LayerNorm.
        case layerNormEpsilon = "layer-norm-epsilon"
        /// The form of GELU.
        case gelu
        /// The number of attention heads.
        case heads
        /// The order of queries, keys and values in the fused map.
        case qkvOrder = "qkv-order"
        /// Kernels that stand transposed.
        case transposedKernels = "transposed-kernels"
        /// How the position embedding's rows are arranged.
        case positions = "pos-embed"
        /// How the position embedding was resampled.
        case positionResampling = "pos-embed-resampling"
        /// Where the class token stands.
        case classToken = "class-token"
        /// What was done to the images.
        case preprocessing
        /// How tokens become features.
        case pooling
        /// Whether there is a layer before the head.
        case preLogits = "pre-logits"
        /// Whether there is a head.
        case head
        /// Probabilities in place of logits.
        case softmax, sigmoid
        /// Logarithms of probabilities in place of logits.
        case logSoftmax = "log-softmax"
        /// A reference computed in, or from, half precision.
        case halfPrecision = "half-precision"
    }

    /// A cause that was found, with what was seen when it was put right.
    public struct Finding: Sendable, Equatable {
        /// What is otherwise.
        public let cause: Cause
        /// The same in words, with both sides: "GELU tanh instead of exact".
        public let message: String
        /// The largest error of the logits before.
        public let errorBefore: Double
        /// The largest error of the logits with this put right, and what was found before it.
        public let errorAfter: Double
        /// What to add to the command; nil when no flag does it.
        public let flag: String?
        /// What to do where no flag does it.
        public let advice: String?
        /// The first tensor in execution order that is otherwise, by the name of timm's module.
        public let firstDivergence: String
    }

    /// The causes, in the order in which they show; empty when none was found.
    public let findings: [Finding]
    /// Whether the comparison passes with all of them put right; if not, they explain the difference in part.
    public let isComplete: Bool
    /// What looks wrong where nothing, or not everything, is explained.
    public let suspicions: [String]
    /// How many variants of the model were tried.
    public let trialCount: Int
}

/// How far a diagnosis has come.
public struct DiagnosisProgress: Sendable {
    /// How many variants of the model were tried.
    public let done: Int
    /// The most that will be tried.
    public let limit: Int
    /// What is being tried.
    public let trying: String
}
