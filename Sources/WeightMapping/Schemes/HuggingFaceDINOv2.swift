extension NamingScheme {
    /// Hugging Face's DINOv2, with and without registers, as `save_pretrained` writes it and as it is published.
    ///
    /// Source: huggingface/transformers, `models/{dinov2, dinov2_with_registers}`; 5.x writes the names of 4.x
    /// through its `conversion_mapping.py`.
    package static let huggingFaceDINOv2 = huggingFaceDINOv2(
        name: "huggingface-dinov2", title: "Hugging Face DINOv2, with registers too (save_pretrained)",
        attention: [
            "attention.attention.query", "attention.attention.key", "attention.attention.value",
            "attention.output.dense",
        ],
        swiGLU: MappingRule.layer(
            "encoder.layer.{i}.mlp.weights_in", to: "blocks.{i}.mlp.fc1",
            where: .with("encoder.layer.0.mlp.weights_in.weight", .packedSwiGLU))
            + MappingRule.layer(
                "encoder.layer.{i}.mlp.weights_out", to: "blocks.{i}.mlp.fc2",
                where: .with("encoder.layer.0.mlp.weights_in.weight", .packedSwiGLU)))

    /// The same models' names within transformers 5: what `torch.save(model.state_dict())` writes there.
    package static let huggingFaceDINOv2In5 = huggingFaceDINOv2(
        name: "huggingface-dinov2-5", title: "Hugging Face DINOv2 (transformers 5, in memory)",
        attention: ["attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj"],
        swiGLU: MappingRule.joined(
            ["encoder.layer.{i}.mlp.gate_proj", "encoder.layer.{i}.mlp.up_proj"], to: "blocks.{i}.mlp.fc1",
            where: .with("encoder.layer.0.mlp.gate_proj.weight", .packedSwiGLU))
            + MappingRule.layer(
                "encoder.layer.{i}.mlp.down_proj", to: "blocks.{i}.mlp.fc2",
                where: .with("encoder.layer.0.mlp.gate_proj.weight", .packedSwiGLU)))

    private static func huggingFaceDINOv2(
        name: String, title: String, attention: [String], swiGLU: [MappingRule]
    ) -> NamingScheme {
        let layer = "encoder.layer.{i}"
        return NamingScheme(
            name: name, title: title,
            fingerprint: [
                "embeddings.cls_token", "embeddings.patch_embeddings.projection.weight",
                "encoder.layer.0.\(attention[0]).weight", "encoder.layer.0.norm1.weight",
                "encoder.layer.0.layer_scale1.lambda1",
            ],
            rules: [
                MappingRule("embeddings.cls_token", to: "cls_token"),
                MappingRule("embeddings.register_tokens", to: "reg_token"),
                MappingRule("embeddings.position_embeddings", to: "pos_embed"),
            ] + MappingRule.layer("embeddings.patch_embeddings.projection", to: "patch_embed.proj")
                + MappingRule.layer("\(layer).norm1", to: "blocks.{i}.norm1")
                + MappingRule.joined(
                    attention.dropLast().map { "\(layer).\($0)" }, to: "blocks.{i}.attn.qkv")
                + MappingRule.layer("\(layer).\(attention[3])", to: "blocks.{i}.attn.proj")
                + [MappingRule("encoder.layer.{i}.layer_scale1.lambda1", to: "blocks.{i}.ls1.gamma")]
                + MappingRule.layer("\(layer).norm2", to: "blocks.{i}.norm2")
                + swiGLU
                + MappingRule.layer("\(layer).mlp.fc1", to: "blocks.{i}.mlp.fc1")
                + MappingRule.layer("\(layer).mlp.fc2", to: "blocks.{i}.mlp.fc2")
                + [MappingRule("encoder.layer.{i}.layer_scale2.lambda1", to: "blocks.{i}.ls2.gamma")]
                + MappingRule.layer("layernorm", to: "norm"),
            outsideHead: MappingRule.layer("classifier", to: "head"),
            ignored: [Exemption("embeddings.mask_token", "stands for masked patches in pre-training")],
            conventions: Conventions(
                layerNormEpsilon: 1e-6, gelu: .exact, poolings: ["token-avg"], headlessPoolings: ["token"],
                positions: ["class"]),
            prefix: "dinov2.", headlessPrefix: "",
            prefixes: [.init(.parameter("reg_token"), "dinov2_with_registers.")])
    }
}
