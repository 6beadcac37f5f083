extension NamingScheme {
    /// The Flax models that transformers had until release 5 (`flax_model.msgpack`): its names for torch, flax's
    /// layouts, and maps of [D, D] that do not show the heads.
    ///
    /// Source: huggingface/transformers 4.46, `models/vit/modeling_flax_vit.py`.
    package static let huggingFaceFlax = NamingScheme(
        name: "huggingface-flax",
        title: "transformers' Flax ViT",
        fingerprint: [
            "embeddings/patch_embeddings/projection/kernel", "embeddings/patch_embeddings/projection/bias",
            "encoder/layer/0/attention/attention/query/kernel",
        ],
        rules: huggingFaceFlaxRules,
        outsideHead: KernelRows.flax.dense("classifier", to: "head"),
        ignored: [Exemption("pooler/dense/{*}", "a pooler that the classifier does not look at")],
        conventions: Conventions(
            layerNormEpsilon: 1e-12, gelu: .exact, poolings: ["token"], mlps: ["plain"], positions: ["all"],
            mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5]),
        prefix: "vit/", headlessPrefix: "")

    private static var huggingFaceFlaxRules: [MappingRule] {
        let (source, target) = ("encoder/layer/{i}", "blocks.{i}")
        let attention = "\(source)/attention/attention"
        return [
            MappingRule("embeddings/cls_token", to: "cls_token"),
            MappingRule("embeddings/position_embeddings", to: "pos_embed"),
        ] + KernelRows.flax.convolution("embeddings/patch_embeddings/projection", to: "patch_embed.proj")
            + KernelRows.flax.norm("\(source)/layernorm_before", to: "\(target).norm1")
            + KernelRows.flax.joined(
                ["query", "key", "value"].map { "\(attention)/\($0)" }, to: "\(target).attn.qkv")
            + KernelRows.flax.dense("\(source)/attention/output/dense", to: "\(target).attn.proj")
            + KernelRows.flax.norm("\(source)/layernorm_after", to: "\(target).norm2")
            + KernelRows.flax.dense("\(source)/intermediate/dense", to: "\(target).mlp.fc1")
            + KernelRows.flax.dense("\(source)/output/dense", to: "\(target).mlp.fc2")
            + KernelRows.flax.norm("layernorm", to: "norm")
            // A classifier does not look at the pooler.
            + KernelRows.flax.dense(
                "pooler/dense", to: "pre_logits.fc",
                where: .without("classifier/kernel", .parameter("head.weight")))
    }
}
