extension NamingScheme {
    /// The checkpoints that Google released with its papers (`ViT-B_16.npz`, augreg): names from before flax.linen,
    /// which numbered a block's modules in the order of their use.
    ///
    /// Source: google-research/vision_transformer, `vit_jax/models_vit.py` and `checkpoint.py`.
    package static let jax = googleViT(
        name: "jax", title: "Google's released ViT checkpoints for JAX",
        block: ["LayerNorm_0", "MultiHeadDotProductAttention_1", "LayerNorm_2", "MlpBlock_3"])

    /// The same code in flax.linen, which numbers the modules of each kind by themselves.
    package static let flaxLinen = googleViT(
        name: "flax-linen", title: "vision_transformer in flax.linen",
        block: ["LayerNorm_0", "MultiHeadDotProductAttention_0", "LayerNorm_1", "MlpBlock_0"])

    /// - Parameter block: what the first norm, the attention, the second norm and the MLP are called.
    private static func googleViT(name: String, title: String, block: [String]) -> NamingScheme {
        let positions = "Transformer/posembed_input/pos_embedding"
        return NamingScheme(
            name: name, title: title,
            fingerprint: [
                "embedding/kernel", "embedding/bias", positions,
                "Transformer/encoderblock_0/\(block[1])/query/kernel",
                "Transformer/encoderblock_0/\(block[1])/query/bias",
            ],
            rules: [
                MappingRule("cls", to: "cls_token"),
                MappingRule(NameTemplate(stringLiteral: positions), to: "pos_embed"),
            ] + GoogleViT.embedding + GoogleViT.block("Transformer/encoderblock_{i}", block)
                + GoogleViT.endings,
            unsupported: GoogleViT.unsupported,
            conventions: GoogleViT.conventions(poolings: ["token", "avg"], positions: ["all"]))
    }
}

/// What all models of Google's code have in common.
enum GoogleViT {
    static let embedding = KernelRows.flax.convolution("embedding", to: "patch_embed.proj")

    static let endings =
        KernelRows.flax.norm("Transformer/encoder_norm", to: "norm")
        + KernelRows.flax.dense("pre_logits", to: "pre_logits.fc") + KernelRows.flax.dense("head", to: "head")

    static func block(_ path: String, _ names: [String], _ depth: KernelRows.Depth = .single) -> [MappingRule]
    {
        let target = "blocks.{i}"
        let inputs = ["query", "key", "value"].map { "\(path)/\(names[1])/\($0)" }
        return KernelRows.flax.norm("\(path)/\(names[0])", to: "\(target).norm1", depth)
            + KernelRows.flax.intoHeads(inputs, to: "\(target).attn.qkv", depth)
            + KernelRows.flax.outOfHeads("\(path)/\(names[1])/out", to: "\(target).attn.proj", depth)
            + KernelRows.flax.norm("\(path)/\(names[2])", to: "\(target).norm2", depth)
            + KernelRows.flax.dense("\(path)/\(names[3])/Dense_0", to: "\(target).mlp.fc1", depth)
            + KernelRows.flax.dense("\(path)/\(names[3])/Dense_1", to: "\(target).mlp.fc2", depth)
    }

    static let unsupported: [NamingScheme.Exemption] = [
        .init("conv_root/{*}", "a convolutional network in front of the patches (hybrid)")
    ]

    /// flax's LayerNorm has 1e-6 and its GELU is the approximation by tanh unless told otherwise; images come
    /// in the range from -1 to 1.
    static func conventions(poolings: [String], positions: [String]) -> NamingScheme.Conventions {
        .init(
            layerNormEpsilon: 1e-6, gelu: .tanh, poolings: poolings, poolsBesideClassToken: false,
            mlps: ["plain"],
            positions: positions,
            mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
    }
}
