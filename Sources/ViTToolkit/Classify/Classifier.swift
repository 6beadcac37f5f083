import Pictures
import TensorCore
import ViT

/// What is said about pictures beyond what a checkpoint knows.
public struct ClassificationOptions: Sendable {
    /// The mean of each channel, of pixels in 0…1.
    public var mean: [Double]?
    /// The standard deviation of each channel.
    public var standardDeviation: [Double]?
    /// The part of the resized picture that is kept.
    public var cropRatio: Double?
    /// What becomes of a picture of other proportions.
    public var mode: Resizing.Mode?
    /// How pixels between pixels are made.
    public var interpolation: Interpolation?
    /// The names of the classes, in the head's order.
    public var labels: [String]?

    /// Leaves everything to the checkpoint.
    public init() {}
}

/// Classifies pictures by a model, made into its input as timm does it for evaluation.
///
/// One classifier may be used by several threads at once.
public final class Classifier: Sendable {
    /// A class and how probable it is.
    public struct Guess: Sendable, Equatable {
        /// The place in the head's order.
        public let index: Int
        /// Its name, where the classes have any.
        public let label: String?
        /// The softmax of the logits.
        public let probability: Double
    }

    /// What the user should hear: what was taken for granted.
    public let remarks: [String]
    let model: VisionTransformer
    let configuration: ViTConfiguration
    let transform: EvaluationTransform
    private let labels: [String]?

    /// A classifier for a model that was told.
    ///
    /// - Parameters:
    ///   - prepared: the model.
    ///   - options: what is said about pictures beyond what the checkpoint knows.
    /// - Throws: `ToolkitError.impossible` for a model that has no classes, or sees no pictures, and for labels of
    ///   another number; whatever building the model throws.
    public init(_ prepared: PreparedModel, options: ClassificationOptions = ClassificationOptions()) throws {
        configuration = try prepared.configuration
        guard configuration.classes > 0 else {
            throw ToolkitError.impossible(
                "\(prepared.checkpoint.path): the model has no head, and so no classes")
        }
        guard [1, 3].contains(configuration.channels) else {
            throw ToolkitError.impossible(
                "\(prepared.checkpoint.path): the model sees \(configuration.channels) channels, pictures have 1 or 3"
            )
        }
        labels = options.labels ?? configuration.labels
        if let labels, labels.count != configuration.classes {
            throw ToolkitError.impossible(
                "there are \(labels.count) labels, but the model has \(configuration.classes) classes")
        }
        (transform, remarks) = try Self.transform(for: configuration, options)
        model = try prepared.model()
    }

    /// What the checkpoint says, else what timm does with most models of the kind.
    private static func transform(
        for configuration: ViTConfiguration, _ options: ClassificationOptions
    ) throws -> (EvaluationTransform, remarks: [String]) {
        let known = configuration.preprocessing
        // Of the models of 384 pixels and more, timm sees the whole picture.
        let isLarge = min(configuration.imageSize.height, configuration.imageSize.width) >= 384
        var resizing = known?.resizing ?? Resizing(cropRatio: isLarge ? 1 : 0.9)
        resizing.cropRatio = options.cropRatio ?? resizing.cropRatio
        resizing.mode = options.mode ?? resizing.mode
        resizing.interpolation = options.interpolation ?? resizing.interpolation
        // DeiT's, and those of most others: `IMAGENET_DEFAULT_MEAN` and `IMAGENET_INCEPTION_MEAN` of timm.
        let likely =
            configuration.distilled
            ? (mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
            : (mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5])
        let count = configuration.channels
        let mean = options.mean ?? known?.mean ?? Array(likely.mean.prefix(count))
        let deviation =
            options.standardDeviation ?? known?.standardDeviation ?? Array(likely.deviation.prefix(count))
        guard mean.count == count, deviation.count == count else {
            throw ToolkitError.usage("give a mean and a standard deviation for each of \(count) channels")
        }
        var remarks: [String] = []
        if known == nil, options.mean == nil || options.standardDeviation == nil {
            remarks.append(
                "the checkpoint does not say how its pictures were normalised: mean \(mean) and standard deviation "
                    + "\(deviation) are a guess; --mean and --std set them")
        }
        let transform = EvaluationTransform(
            width: configuration.imageSize.width, height: configuration.imageSize.height, resizing: resizing,
            mean: mean, standardDeviation: deviation)
        return (transform, remarks)
    }

    /// All classes, the most probable first.
    ///
    /// - Throws: `ViTError`.
    public func classify(_ picture: Picture) throws -> [Guess] {
        let logits = try model.forward(try transform.input(from: picture)).values.map(Double.init)
        let largest = logits.max() ?? 0
        let shares = logits.map { exp($0 - largest) }
        let sum = shares.reduce(0, +)
        return shares.enumerated().map { index, share in
            Guess(index: index, label: labels?[index], probability: share / sum)
        }.sorted { ($1.probability, $0.index) < ($0.probability, $1.index) }
    }
}
