/// A Vision Transformer that has a name.
public struct ViTVariant: Sendable, Equatable {
    /// The name, as timm spells it.
    public let name: String
    /// What the forward pass needs to know.
    public let configuration: ViTConfiguration

    private init(
        _ name: String, _ size: ModelSize, patch: Int, image: Int = 224, classes: Int = 1000,
        preLogits: Bool = false, distilled: Bool = false
    ) {
        self.name = name
        var configuration = ViTConfiguration()
        configuration.imageSize = .init(image)
        configuration.patchSize = .init(patch)
        configuration.width = size.width
        configuration.depth = size.depth
        configuration.heads = size.heads
        configuration.hidden = 4 * size.width
        configuration.classes = classes
        configuration.preLogits = preLogits ? size.width : nil
        configuration.distilled = distilled
        // The JAX weights take pixels in −1…1; DeiT takes ImageNet's mean and deviation.
        configuration.preprocessing =
            name.hasPrefix("deit")
            ? .init(mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
            : .init(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
        self.configuration = configuration
    }

    /// Every variant: the eight of the original release first.
    public static let all: [ViTVariant] = [
        ViTVariant("vit_base_patch16_224", .base, patch: 16),
        ViTVariant("vit_base_patch16_224_in21k", .base, patch: 16, classes: 21843, preLogits: true),
        ViTVariant("vit_base_patch32_224", .base, patch: 32),
        ViTVariant("vit_base_patch32_224_in21k", .base, patch: 32, classes: 21843, preLogits: true),
        ViTVariant("vit_large_patch16_224", .large, patch: 16),
        ViTVariant("vit_large_patch16_224_in21k", .large, patch: 16, classes: 21843, preLogits: true),
        ViTVariant("vit_large_patch32_224_in21k", .large, patch: 32, classes: 21843, preLogits: true),
        ViTVariant("vit_huge_patch14_224_in21k", .huge, patch: 14, classes: 21843, preLogits: true),
        ViTVariant("vit_tiny_patch16_224", .tiny, patch: 16),
        ViTVariant("vit_tiny_patch16_384", .tiny, patch: 16, image: 384),
        ViTVariant("vit_small_patch16_224", .small, patch: 16),
        ViTVariant("vit_small_patch16_384", .small, patch: 16, image: 384),
        ViTVariant("vit_small_patch32_224", .small, patch: 32),
        ViTVariant("vit_small_patch32_384", .small, patch: 32, image: 384),
        ViTVariant("vit_base_patch16_384", .base, patch: 16, image: 384),
        ViTVariant("vit_base_patch32_384", .base, patch: 32, image: 384),
        ViTVariant("vit_large_patch16_384", .large, patch: 16, image: 384),
        ViTVariant("vit_large_patch32_384", .large, patch: 32, image: 384),
        ViTVariant("deit_tiny_patch16_224", .tiny, patch: 16),
        ViTVariant("deit_small_patch16_224", .small, patch: 16),
        ViTVariant("deit_base_patch16_224", .base, patch: 16),
        ViTVariant("deit_base_patch16_384", .base, patch: 16, image: 384),
        ViTVariant("deit_tiny_distilled_patch16_224", .tiny, patch: 16, distilled: true),
        ViTVariant("deit_small_distilled_patch16_224", .small, patch: 16, distilled: true),
        ViTVariant("deit_base_distilled_patch16_224", .base, patch: 16, distilled: true),
        ViTVariant("deit_base_distilled_patch16_384", .base, patch: 16, image: 384, distilled: true),
    ]

    /// The variant of this name, or nil.
    public static func named(_ name: String) -> ViTVariant? {
        all.first { $0.name == name }
    }

    /// The names of all variants that come near a mistyped one, at most `limit`: first those that begin with it, then
    /// by how much has to be changed.
    package static func candidates(for name: String, limit: Int = 3) -> [String] {
        let name = name.lowercased()
        let ranked = all.map { (name: $0.name, distance: editDistance(name, $0.name)) }
            .filter { $0.distance <= max(4, $0.name.count / 3) || $0.name.contains(name) }
        return ranked.enumerated()
            .sorted { left, right in
                let begins = (left.element.name.hasPrefix(name), right.element.name.hasPrefix(name))
                guard begins.0 == begins.1 else { return begins.0 }
                return (left.element.distance, left.offset) < (right.element.distance, right.offset)
            }
            .prefix(limit).map(\.element.name)
    }

    /// The fewest insertions, deletions and replacements that make one word of the other.
    private static func editDistance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first.utf8.prefix(256)), Array(second.utf8))
        var row = Array(0...second.count)
        for (i, a) in first.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in second.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[second.count]
    }
}
