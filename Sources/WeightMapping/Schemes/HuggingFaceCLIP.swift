extension NamingScheme {
    /// The image tower of Hugging Face's CLIP, alone or in the whole model.
    ///
    /// Source: huggingface/transformers, `models/clip/modeling_clip.py` (`pre_layrnorm` is its spelling).
    package static let huggingFaceCLIP = NamingScheme(
        name: "huggingface-clip", title: "Hugging Face CLIP, image tower",
        fingerprint: [
            "embeddings.class_embedding", "embeddings.patch_embedding.weight",
            "encoder.layers.0.self_attn.q_proj.weight", "pre_layrnorm.weight",
        ],
        rules: [
            MappingRule("embeddings.class_embedding", to: "cls_token", .reshape("D -> 1 1 D")),
            MappingRule("embeddings.position_embedding.weight", to: "pos_embed", .reshape("T D -> 1 T D")),
            MappingRule("embeddings.patch_embedding.weight", to: "patch_embed.proj.weight"),
        ] + MappingRule.layer("pre_layrnorm", to: "norm_pre")
            + MappingRule.huggingFaceTower
            + MappingRule.layer("post_layernorm", to: "norm"),
        outsideHead: [MappingRule("visual_projection.weight", to: "head.weight")],
        ignored: [Exemption("embeddings.position_ids", "numbers that count the positions")],
        unsupported: [Exemption("classifier.{*}", "a classifier of patches that no norm has seen")],
        conventions: Conventions(
            layerNormEpsilon: 1e-5, gelu: .quick, poolings: ["token"], positions: ["all"],
            mean: [0.48145466, 0.4578275, 0.40821073],
            standardDeviation: [0.26862954, 0.26130258, 0.27577711]),
        prefix: "vision_model.")

    /// The image tower of Hugging Face's SigLIP, alone or in the whole model.
    ///
    /// Source: huggingface/transformers, `models/siglip/modeling_siglip.py`.
    package static let huggingFaceSigLIP = NamingScheme(
        name: "huggingface-siglip", title: "Hugging Face SigLIP, image tower",
        fingerprint: [
            "embeddings.patch_embedding.weight", "encoder.layers.0.self_attn.q_proj.weight", "head.probe",
        ],
        rules: [
            MappingRule("embeddings.position_embedding.weight", to: "pos_embed", .reshape("T D -> 1 T D"))
        ] + MappingRule.layer("embeddings.patch_embedding", to: "patch_embed.proj")
            + MappingRule.huggingFaceTower
            + MappingRule.layer("post_layernorm", to: "norm")
            + [MappingRule("head.probe", to: "attn_pool.latent", where: pools)]
            + [("weight", "in_proj_weight"), ("bias", "in_proj_bias")].map { part, name in
                MappingRule(
                    [NameTemplate(stringLiteral: "head.attention.\(name)")],
                    to: ["q", "kv"].map { NameTemplate(stringLiteral: "attn_pool.\($0).\(part)") },
                    [.split(axis: 0, ratios: [1, 2])], where: pools)
            }
            + MappingRule.layer("head.attention.out_proj", to: "attn_pool.proj", where: pools)
            + MappingRule.layer("head.layernorm", to: "attn_pool.norm", where: pools)
            + MappingRule.layer("head.mlp.fc1", to: "attn_pool.mlp.fc1", where: pools)
            + MappingRule.layer("head.mlp.fc2", to: "attn_pool.mlp.fc2", where: pools),
        outsideHead: MappingRule.layer("classifier", to: "head"),
        ignored: [Exemption("embeddings.position_ids", "numbers that count the positions")]
            + ["head.probe", "head.attention.{*}", "head.layernorm.{*}", "head.mlp.{*}"].map {
                Exemption($0, "attention pooling, of which the classifier makes no use")
            },
        conventions: Conventions(
            layerNormEpsilon: 1e-6, gelu: .tanh, poolings: ["map"], positions: ["all"],
            mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5]),
        prefix: "vision_model.")

    /// A classifier takes the mean of the patches, and the attention pooling beside it idles.
    private static let pools = MappingRule.Condition.without("classifier.weight", .parameter("head.weight"))
}

extension MappingRule {
    /// The blocks that CLIP and SigLIP share.
    fileprivate static var huggingFaceTower: [MappingRule] {
        let layer = "encoder.layers.{i}"
        return MappingRule.layer("\(layer).layer_norm1", to: "blocks.{i}.norm1")
            + MappingRule.joined(
                ["q", "k", "v"].map { "\(layer).self_attn.\($0)_proj" }, to: "blocks.{i}.attn.qkv")
            + MappingRule.layer("\(layer).self_attn.out_proj", to: "blocks.{i}.attn.proj")
            + MappingRule.layer("\(layer).layer_norm2", to: "blocks.{i}.norm2")
            + MappingRule.layer("\(layer).mlp.fc1", to: "blocks.{i}.mlp.fc1")
            + MappingRule.layer("\(layer).mlp.fc2", to: "blocks.{i}.mlp.fc2")
    }
}
