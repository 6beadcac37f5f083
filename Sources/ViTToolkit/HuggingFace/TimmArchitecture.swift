import ViT

/// What the name of a model of timm's tells and no shape does.
///
/// Source: huggingface/pytorch-image-models, `timm/models/vision_transformer.py`.
enum TimmArchitecture {
    /// The heads of models that have not those of others of their width and depth.
    private static let heads = [
        ("vit_base_patch16_gap_224", 16), ("vit_giantopt_", 16),
        ("test_vit3", 3), ("test_vit4", 3), ("test_vit", 2),
    ]

    /// The models with the hyperbolic tangent in their GELU, all of SigLIP's second release.
    private static let tanh = [
        "vit_base_patch32_siglip_", "vit_large_patch16_siglip_512", "vit_large_patch16_siglip_gap_512",
        "vit_so400m_patch16_siglip_", "vit_giantopt_patch16_siglip_",
    ]

    /// What the model computes and ours does not, although no tensor shows it; nil for nothing.
    static func unsupported(_ name: String) -> String? {
        if name.contains("_rpn_") { return "norms behind attention and MLP" }
        let rotary = ["vit_pe_", "eva02_", "_rope_", "_dinov3"]
        return rotary.contains { name.contains($0) } ? "rotary position embeddings" : nil
    }

    static func heads(_ name: String) -> Int? {
        ViTVariant.named(name)?.configuration.heads ?? heads.first { name.hasPrefix($0.0) }?.1
    }

    static func gelu(_ name: String) -> ViTConfiguration.GELU {
        if name.contains("quickgelu") { return .quick }
        return tanh.contains { name.hasPrefix($0) } ? .tanh : .exact
    }

    /// What the user should hear of a model under timm's names whose architecture nobody named.
    static func geluRemark(_ configuration: ViTConfiguration) -> String? {
        let guess = "GELU is taken to be exact, as in most of timm's models"
        if configuration.mlp != .plain { return nil }
        if configuration.preNorm {
            return "\(guess); those of CLIP that are called quickgelu need --gelu quick"
        }
        // No other model of timm's pools by attention or has the width of So400m.
        guard configuration.pooling == .attention || configuration.width == 1152 else { return nil }
        return
            "\(guess); those of SigLIP's second release (vit_so400m_patch16_siglip… and others) need --gelu tanh"
    }
}
