extension NamingScheme {
    /// DINOv2 as its training code holds it, with the blocks in chunks: `blocks.{c}.{i}`, where `i` counts through
    /// the whole model. What is written has one chunk. The published files have none; `timm` reads them.
    ///
    /// Source: facebookresearch/dinov2, `dinov2/models/vision_transformer.py` (`block_chunks`), `layers/`.
    package static let dinov2 = NamingScheme(
        name: "dinov2", title: "DINOv2's training code, blocks in chunks",
        fingerprint: [
            "cls_token", "patch_embed.proj.weight", "blocks.0.0.attn.qkv.weight", "blocks.0.0.ls1.gamma",
        ],
        rules: [
            .same("cls_token"), MappingRule("register_tokens", to: "reg_token"), .same("pos_embed"),
        ] + MappingRule.layer("patch_embed.proj") + chunkedBlocks + MappingRule.layer("norm"),
        outsideHead: MappingRule.layer("linear_head", to: "head"),
        ignored: [
            Exemption("mask_token", "stands for masked patches in pre-training"),
            Exemption("dino_head.{*}", "a projection head of self-supervised training"),
            Exemption("ibot_head.{*}", "a projection head of self-supervised training"),
        ],
        conventions: Conventions(
            layerNormEpsilon: 1e-6, gelu: .exact, poolings: ["token-avg"], headlessPoolings: ["token"],
            positions: ["class"]),
        prefix: "backbone.", headlessPrefix: "")

    private static var chunkedBlocks: [MappingRule] {
        let (chunk, block) = ("blocks.{c}.{i}", "blocks.{i}")
        let isGated = MappingRule.Condition.with("blocks.0.0.mlp.w12.weight", .packedSwiGLU)
        let layers = ["norm1", "attn.qkv", "attn.proj", "norm2"]
        let gated = [("mlp.w12", "mlp.fc1"), ("mlp.w3", "mlp.fc2")]
        return layers.flatMap { MappingRule.layer("\(chunk).\($0)", to: "\(block).\($0)") }
            + gated.flatMap { MappingRule.layer("\(chunk).\($0)", to: "\(block).\($1)", where: isGated) }
            + ["mlp.fc1", "mlp.fc2"].flatMap { MappingRule.layer("\(chunk).\($0)", to: "\(block).\($0)") }
            + [
                MappingRule("blocks.{c}.{i}.ls1.gamma", to: "blocks.{i}.ls1.gamma"),
                MappingRule("blocks.{c}.{i}.ls2.gamma", to: "blocks.{i}.ls2.gamma"),
            ]
    }
}
