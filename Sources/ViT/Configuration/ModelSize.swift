import Layers
import TensorCore

/// The sizes that models come in: width, depth and heads belong together under a letter.
package struct ModelSize: Sendable, Equatable {
    package let letter: String
    package let width: Int
    package let depth: Int
    package let heads: Int

    package static let tiny = ModelSize(letter: "Ti", width: 192, depth: 12, heads: 3)
    package static let small = ModelSize(letter: "S", width: 384, depth: 12, heads: 6)
    package static let base = ModelSize(letter: "B", width: 768, depth: 12, heads: 12)
    package static let large = ModelSize(letter: "L", width: 1024, depth: 24, heads: 16)
    package static let huge = ModelSize(letter: "H", width: 1280, depth: 32, heads: 16)
    /// "Scaling Vision Transformers" (arXiv 2106.04560) and "Getting ViT in Shape" (arXiv 2305.13035).
    package static let all = [
        tiny, small, base, large, huge,
        ModelSize(letter: "So400m", width: 1152, depth: 27, heads: 16),
        ModelSize(letter: "g", width: 1408, depth: 40, heads: 16),
        ModelSize(letter: "G", width: 1664, depth: 48, heads: 16),
    ]
}

extension ViTVariant {
    /// The number of heads of the known models of this width and depth.
    package static func knownHeads(width: Int, depth: Int) -> Int? {
        ModelSize.all.first { $0.width == width && $0.depth == depth }?.heads
    }

    /// A line that says what a model is: "ViT-B/16, 224, 21843 classes, pre-logits, 103.2 M parameters".
    public static func describe(_ configuration: ViTConfiguration) -> String {
        let size = ModelSize.all.first {
            $0.width == configuration.width && $0.depth == configuration.depth
                && $0.heads == configuration.heads
        }
        let family = configuration.distilled ? "DeiT" : "ViT"
        let patch = text(configuration.patchSize)
        var parts: [String] = []
        if let size {
            parts.append("\(family)-\(size.letter)/\(patch)\(configuration.distilled ? " distilled" : "")")
        } else {
            parts.append("\(family)/\(patch)\(configuration.distilled ? " distilled" : "")")
            parts.append("width \(configuration.width)")
            parts.append("depth \(configuration.depth)")
            parts.append("\(configuration.heads) head\(configuration.heads == 1 ? "" : "s")")
        }
        parts.append(text(configuration.imageSize))
        if configuration.channels != 3 {
            parts.append("\(configuration.channels) channel\(configuration.channels == 1 ? "" : "s")")
        }
        let classes = configuration.classes
        parts.append(classes > 0 ? "\(classes) class\(classes == 1 ? "" : "es")" : "features")
        if configuration.preLogits != nil { parts.append("pre-logits") }
        if configuration.registers > 0 {
            parts.append("\(configuration.registers) register\(configuration.registers == 1 ? "" : "s")")
        }
        switch configuration.pooling {
        case .token: break
        case .average: parts.append("average pooling")
        case .tokenAndAverage: parts.append("class token and average pooling")
        case .attention: parts.append("attention pooling")
        }
        parts.append("\(configuration.parameters.roundedElementCount) parameters")
        return parts.joined(separator: ", ")
    }

    private static func text(_ size: ViTConfiguration.Size) -> String {
        size.height == size.width ? "\(size.height)" : "\(size.height)×\(size.width)"
    }
}
