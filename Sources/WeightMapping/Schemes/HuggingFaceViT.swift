extension NamingScheme {
    /// Hugging Face's ViT, DeiT, ViT-MAE and ViT-MSN as `save_pretrained` writes them and as they are published.
    ///
    /// Source: huggingface/transformers, `models/{vit, deit, vit_mae, vit_msn}` up to 4.x; 5.x writes the same
    /// names through its `conversion_mapping.py`.
    package static let huggingFace = huggingFaceViT(
        name: "huggingface", title: "Hugging Face ViT, DeiT, MAE (save_pretrained)",
        layer: "encoder.layer.{i}",
        attention: [
            "attention.attention.query", "attention.attention.key", "attention.attention.value",
            "attention.output.dense",
        ], mlp: ["intermediate.dense", "output.dense"])

    /// The same models' names within transformers 5: what `torch.save(model.state_dict())` writes there.
    ///
    /// Source: huggingface/transformers 5.x, `models/{vit, deit, vit_mae}/modeling_*.py`.
    package static let huggingFace5 = huggingFaceViT(
        name: "huggingface-5", title: "Hugging Face ViT, DeiT, MAE (transformers 5, in memory)",
        layer: "layers.{i}",
        attention: ["attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj"],
        mlp: ["mlp.fc1", "mlp.fc2"])

    private static func huggingFaceViT(
        name: String, title: String, layer: String, attention: [String], mlp: [String]
    ) -> NamingScheme {
        let first = layer.split(separator: "{")[0] + "0"
        return NamingScheme(
            name: name, title: title,
            fingerprint: [
                "embeddings.cls_token", "embeddings.patch_embeddings.projection.weight",
                "\(first).\(attention[0]).weight", "\(first).layernorm_before.weight",
            ],
            rules: embeddingRules + blockRules(layer, attention, mlp)
                + MappingRule.layer("layernorm", to: "norm")
                // A classifier does not look at the pooler; older files of classifiers hold one all the same.
                + MappingRule.layer(
                    "pooler.dense", to: "pre_logits.fc",
                    where: .without("classifier.weight", .parameter("head.weight"))),
            outsideHead: headRules,
            ignored: [
                Exemption("embeddings.mask_token", "stands for masked patches in pre-training"),
                Exemption("decoder.{*}", "the decoder of masked pre-training"),
                Exemption("pooler.dense.{*}", "a pooler that the classifier does not look at"),
            ],
            unsupported: [
                Exemption(
                    NameTemplate(stringLiteral: "\(layer).lambda_1"),
                    "the layer scale of BEiT, with its other attention"),
                Exemption(
                    "{*}relative_position_bias.{*}", "a relative position bias in the attention (BEiT)"),
                Exemption("embeddings.detection_tokens", "detection tokens (YOLOS)"),
                Exemption(
                    "embeddings.patch_embeddings.backbone.{*}",
                    "a convolutional network in front of the patches (hybrid)"),
            ],
            conventions: Conventions(
                layerNormEpsilon: 1e-12, gelu: .exact, poolings: ["token"], positions: ["all"]),
            prefix: "vit.", headlessPrefix: "",
            prefixes: [
                .init(.parameter("dist_token"), "deit."), .init(.parameter("reg_token"), "deit."),
            ])
    }

    private static var embeddingRules: [MappingRule] {
        [
            MappingRule("embeddings.cls_token", to: "cls_token"),
            MappingRule(
                "embeddings.distillation_token", to: "dist_token",
                where: .with("distillation_classifier.weight", .parameter("head_dist.weight"))),
            // Without its head the distillation token is one more token in front of the patches, and no more.
            MappingRule(
                "embeddings.distillation_token", to: "reg_token", .reshape("1 1 D -> 1 1 D"),
                where: .without("distillation_classifier.weight", .parameter("head_dist.weight"))),
            MappingRule("embeddings.position_embeddings", to: "pos_embed"),
        ] + MappingRule.layer("embeddings.patch_embeddings.projection", to: "patch_embed.proj")
    }

    private static func blockRules(_ layer: String, _ attention: [String], _ mlp: [String]) -> [MappingRule] {
        MappingRule.layer("\(layer).layernorm_before", to: "blocks.{i}.norm1")
            + MappingRule.joined(attention.dropLast().map { "\(layer).\($0)" }, to: "blocks.{i}.attn.qkv")
            + MappingRule.layer("\(layer).\(attention[3])", to: "blocks.{i}.attn.proj")
            + MappingRule.layer("\(layer).layernorm_after", to: "blocks.{i}.norm2")
            + MappingRule.layer("\(layer).\(mlp[0])", to: "blocks.{i}.mlp.fc1")
            + MappingRule.layer("\(layer).\(mlp[1])", to: "blocks.{i}.mlp.fc2")
    }

    private static var headRules: [MappingRule] {
        MappingRule.layer(
            "classifier", to: "head",
            where: .without("distillation_classifier.weight", .parameter("head_dist.weight")))
            + MappingRule.layer(
                "cls_classifier", to: "head",
                where: .with("distillation_classifier.weight", .parameter("head_dist.weight")))
            + MappingRule.layer("distillation_classifier", to: "head_dist")
    }
}
