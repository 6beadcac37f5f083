extension NamingScheme {
    /// timm's names, which are the canonical ones, with the spellings of the code bases that share them: the
    /// seed model, DeiT and DeiT-3, DINO, iBOT, MoCo v3, MAE, DINOv2 without chunks.
    ///
    /// Source: `timm/models/vision_transformer.py`, `deit.py`, `eva.py`; facebookresearch/{deit, dino, mae,
    /// moco-v3, dinov2}.
    package static let timm = NamingScheme(
        name: "timm",
        title: "timm, the seed model, DeiT, DINO, MAE",
        fingerprint: ["patch_embed.proj.weight", "blocks.0.attn.qkv.weight"],
        rules: timmRules,
        outsideHead: MappingRule.layer("head") + MappingRule.layer("head_dist")
            + MappingRule.layer("classifier", to: "head") + MappingRule.layer("fc", to: "head")
            // DINOv2's classifiers, and OpenCLIP's around timm's models.
            + MappingRule.layer("linear_head", to: "head") + MappingRule.layer("head.proj", to: "head"),
        ignored: [
            Exemption("mask_token", "stands for masked patches in pre-training"),
            Exemption("masked_embed", "stands for masked patches in pre-training (iBOT)"),
            Exemption("decoder_{*}", "the decoder of a masked autoencoder"),
            Exemption("head.mlp.{*}", "a projection head of self-supervised training"),
            Exemption("head.last_layer{*}", "a projection head of self-supervised training"),
            Exemption("{*}.total_ops", "a counter that a profiler left"),
            Exemption("{*}.total_params", "a counter that a profiler left"),
            Exemption("total_ops", "a counter that a profiler left"),
            Exemption("total_params", "a counter that a profiler left"),
        ],
        unsupported: [
            Exemption("{*}relative_position_bias_table", "a relative position bias in the attention (BEiT)"),
            Exemption("blocks.{i}.attn.rel_pos.{*}", "a relative position bias in the attention"),
            Exemption("patch_embed.backbone.{*}", "a convolutional network in front of the patches (hybrid)"),
            Exemption("rope.{*}", "rotary position embeddings"),
            // EVA-02 computes its rotary embeddings afresh, so that no tensor shows them; of the models without
            // a key bias it is the one with SwiGLU.
            Exemption(
                "blocks.{i}.attn.q_bias", "rotary position embeddings (EVA-02)",
                beside: "blocks.{i}.mlp.fc1_g.weight"),
            // So does the Perception Encoder, alone in having both CLIP's first norm and attention pooling.
            Exemption(
                "norm_pre.weight", "rotary position embeddings (Perception Encoder)",
                beside: "attn_pool.latent"),
            Exemption("blocks.{i}.attn.rope.{*}", "rotary position embeddings"),
            Exemption("blocks.{i}.attn.gate.{*}", "gated attention"),
        ],
        conventions: Conventions(layerNormEpsilon: 1e-6, gelu: .exact))

    private static var timmRules: [MappingRule] {
        tokens + patchEmbedding + blocks + otherSpellings + endings
    }

    private static var tokens: [MappingRule] {
        [.same("cls_token"), .same("dist_token"), .same("reg_token"), .same("pos_embed")]
    }

    private static var patchEmbedding: [MappingRule] {
        [
            MappingRule("patch_embed.proj.weight", to: "patch_embed.proj.weight", rank: 4),
            // From before patches were cut by a convolution.
            MappingRule(
                "patch_embed.proj.weight", to: "patch_embed.proj.weight", .reshape("D (C P P) -> D C P P"),
                rank: 2, assuming: ["C": 3]),
            .same("patch_embed.proj.bias"),
        ] + MappingRule.layer("patch_embed.norm") + MappingRule.layer("norm_pre")
    }

    private static var blocks: [MappingRule] {
        let layers = [
            "norm1", "attn.qkv", "attn.q_norm", "attn.k_norm", "attn.proj",
            "norm2", "mlp.fc1", "mlp.fc1_g", "mlp.fc1_x", "mlp.norm", "mlp.fc2",
        ]
        return layers.flatMap { MappingRule.layer("blocks.{i}.\($0)") }
            + [.same("blocks.{i}.ls1.gamma"), .same("blocks.{i}.ls2.gamma")]
    }

    private static var otherSpellings: [MappingRule] {
        [
            // DeiT-3 and BEiT.
            MappingRule("blocks.{i}.gamma_1", to: "blocks.{i}.ls1.gamma"),
            MappingRule("blocks.{i}.gamma_2", to: "blocks.{i}.ls2.gamma"),
            // DINOv2.
            MappingRule("register_tokens", to: "reg_token"),
            // BEiT and EVA have no bias for the keys.
            MappingRule(
                ["blocks.{i}.attn.q_bias", "blocks.{i}.attn.v_bias"], to: ["blocks.{i}.attn.qkv.bias"],
                [.insertZeros(at: 1), .concatenate(axis: 0, parts: 3)]),
        ]
            // DINOv2's SwiGLU.
            + MappingRule.layer("blocks.{i}.mlp.w12", to: "blocks.{i}.mlp.fc1")
            + MappingRule.layer("blocks.{i}.mlp.w3", to: "blocks.{i}.mlp.fc2")
    }

    private static var endings: [MappingRule] {
        let layers = [
            "norm", "attn_pool.q", "attn_pool.kv", "attn_pool.q_norm", "attn_pool.k_norm", "attn_pool.proj",
            "attn_pool.norm", "attn_pool.mlp.fc1", "attn_pool.mlp.fc2", "fc_norm", "pre_logits.fc", "head",
            "head_dist",
        ]
        return [.same("attn_pool.pos_embed"), .same("attn_pool.latent")]
            + layers.flatMap { MappingRule.layer($0) }
    }
}
