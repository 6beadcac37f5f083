extension NamingScheme {
    /// keras-hub's `ViTBackbone`, alone or in a `ViTImageClassifier`, in Keras 3's `.weights.h5`.
    ///
    /// A classifier that averages although there is a class token averages that token, too, which the model here
    /// does not; nothing in the file tells such a one.
    ///
    /// Source: keras-team/keras-hub 0.32, `models/vit/vit_layers.py` and `vit_image_classifier.py`; names as
    /// Keras 3.15 writes them.
    package static let kerasHub = NamingScheme(
        name: "keras-hub",
        title: "keras-hub's ViT, .weights.h5",
        fingerprint: [
            "layers/vi_t_patching_and_embedding/patch_embedding/vars/0",
            "layers/vi_t_encoder/encoder_layers/vi_t_encoder_block/mha/query_dense/vars/0",
            "layers/vi_t_encoder/encoder_layers/vi_t_encoder_block/mha/query_dense/vars/1",
        ],
        rules: kerasHubRules,
        outsideHead: kerasEndings("dense", "dense_1"),
        conventions: Conventions(
            layerNormEpsilon: 1e-6, gelu: .exact, poolings: ["token", "avg"],
            poolsBesideClassToken: false, mlps: ["plain"], positions: ["all"],
            mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5]),
        prefix: "layers/vi_t_backbone/", headlessPrefix: "")

    private static var kerasHubRules: [MappingRule] {
        let rows = KernelRows.keras3
        let embedding = "layers/vi_t_patching_and_embedding"
        let (source, target) = ("layers/vi_t_encoder/encoder_layers/vi_t_encoder_block{_i}", "blocks.{i}")
        return [
            MappingRule(NameTemplate(stringLiteral: "\(embedding)/vars/0"), to: "cls_token"),
            MappingRule(
                NameTemplate(stringLiteral: "\(embedding)/position_embedding/vars/0"), to: "pos_embed",
                .reshape("N D -> 1 N D")),
        ] + rows.convolution("\(embedding)/patch_embedding", to: "patch_embed.proj")
            + rows.norm("\(source)/layer_norm_1", to: "\(target).norm1")
            + rows.intoHeads(
                ["query", "key", "value"].map { "\(source)/mha/\($0)_dense" }, to: "\(target).attn.qkv")
            + rows.outOfHeads("\(source)/mha/output_dense", to: "\(target).attn.proj")
            + rows.norm("\(source)/layer_norm_2", to: "\(target).norm2")
            + rows.dense("\(source)/mlp/dense_1", to: "\(target).mlp.fc1")
            + rows.dense("\(source)/mlp/dense_2", to: "\(target).mlp.fc2")
            + rows.norm("layers/vi_t_encoder/layer_norm", to: "norm")
    }
}
