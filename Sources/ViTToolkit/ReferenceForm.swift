import TensorCore
import ViT

/// How a reference's images and outputs stand to what the model takes and gives.
public struct ReferenceForm: Sendable, Hashable {
    /// One step from a reference's images to the model's input.
    public enum ImageStep: String, Sendable, CaseIterable {
        /// Divide by 255: bytes become 0 to 1.
        case scale
        /// Multiply by 255.
        case unscale
        /// The channels in reverse order.
        case bgr
        /// ImageNet's mean and deviation.
        case imagenet
        /// 0.5 and 0.5, as Google's models take it.
        case inception
        /// CLIP's mean and deviation.
        case clip
        /// From what ImageNet's mean and deviation made, back to 0 to 1.
        case undoImagenet = "undo-imagenet"
        /// The same for 0.5 and 0.5.
        case undoInception = "undo-inception"
        /// The same for CLIP's.
        case undoCLIP = "undo-clip"
    }

    /// What the reference's model did to its logits.
    public enum OutputActivation: String, Sendable, CaseIterable {
        /// Probabilities of classes that exclude one another.
        case softmax
        /// A probability for each class.
        case sigmoid
        /// The logarithm of the softmax.
        case logSoftmax = "log-softmax"
    }

    /// What is done to the reference's images before the model sees them, in this order.
    public var steps: [ImageStep] = []
    /// What is done to the model's logits before they are compared.
    public var output: OutputActivation?

    /// A reference of the model's own input and logits.
    public init() {}

    /// The images as the model takes them, `[B, C, H, W]`.
    func input(of images: FloatTensor) -> FloatTensor { steps.reduce(images) { $1.applied(to: $0) } }

    /// The model's logits `[B, classes]` as the reference has them.
    func outputs(of logits: FloatTensor) -> FloatTensor { output?.applied(to: logits) ?? logits }
}

extension ReferenceForm.ImageStep {
    private static let imageNet = (mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
    private static let openAI = (
        mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711]
    )

    fileprivate func applied(to images: FloatTensor) -> FloatTensor {
        let half = (mean: [0.5], deviation: [0.5])
        switch self {
        case .scale: return Self.map(images, [(1 / 255, 0)])
        case .unscale: return Self.map(images, [(255, 0)])
        case .bgr: return Self.reversed(images)
        case .imagenet: return Self.map(images, Self.normalising(Self.imageNet))
        case .inception: return Self.map(images, Self.normalising(half))
        case .clip: return Self.map(images, Self.normalising(Self.openAI))
        case .undoImagenet: return Self.map(images, Self.restoring(Self.imageNet))
        case .undoInception: return Self.map(images, Self.restoring(half))
        case .undoCLIP: return Self.map(images, Self.restoring(Self.openAI))
        }
    }

    private static func normalising(
        _ numbers: (mean: [Double], deviation: [Double])
    ) -> [(Double, Double)] {
        zip(numbers.mean, numbers.deviation).map { (1 / $1, -$0 / $1) }
    }

    private static func restoring(
        _ numbers: (mean: [Double], deviation: [Double])
    ) -> [(Double, Double)] {
        zip(numbers.mean, numbers.deviation).map { ($1, $0) }
    }

    /// factor · x + shift, channel by channel; one pair counts for all.
    private static func map(_ images: FloatTensor, _ lines: [(factor: Double, shift: Double)]) -> FloatTensor
    {
        var result = images
        let channels = images.shape[1]
        let area = images.shape[2] * images.shape[3]
        for index in result.values.indices {
            let line = lines[index / max(1, area) % max(1, channels) % lines.count]
            result.values[index] = Float(Double(images.values[index]) * line.factor + line.shift)
        }
        return result
    }

    private static func reversed(_ images: FloatTensor) -> FloatTensor {
        var result = images
        let channels = images.shape[1]
        let area = images.shape[2] * images.shape[3]
        for plane in 0..<images.shape[0] * channels {
            let (image, channel) = (plane / channels, plane % channels)
            let source = (image * channels + channels - 1 - channel) * area
            result.values.replaceSubrange(
                plane * area..<(plane + 1) * area, with: images.values[source..<source + area])
        }
        return result
    }
}

extension ReferenceForm.OutputActivation {
    fileprivate func applied(to logits: FloatTensor) -> FloatTensor {
        var result = logits
        let classes = max(1, logits.shape.dimensions.last ?? 1)
        for start in stride(from: 0, to: logits.values.count, by: classes) {
            let row = logits.values[start..<start + classes].map(Double.init)
            let largest = row.max() ?? 0
            let sum = row.reduce(0) { $0 + exp($1 - largest) }
            for (offset, value) in row.enumerated() {
                let output: Double =
                    switch self {
                    case .softmax: exp(value - largest) / sum
                    case .sigmoid: 1 / (1 + exp(-value))
                    case .logSoftmax: value - largest - log(sum)
                    }
                result.values[start + offset] = Float(output)
            }
        }
        return result
    }
}
