extension NamingScheme {
    /// torchvision's `VisionTransformer`.
    ///
    /// Source: `torchvision/models/vision_transformer.py`, since 0.14.
    package static let torchvision = torchvision(
        name: "torchvision", title: "torchvision", mlp: ["mlp.0", "mlp.3"])

    /// The same from before the MLP's maps were numbered, which is the form of the published weights.
    ///
    /// Source: `MLPBlock._load_from_state_dict`, which renames version 1.
    package static let torchvisionOld = torchvision(
        name: "torchvision-old", title: "torchvision before 0.14", mlp: ["mlp.linear_1", "mlp.linear_2"])

    private static func torchvision(name: String, title: String, mlp: [String]) -> NamingScheme {
        let layer = "encoder.layers.encoder_layer_{i}"
        return NamingScheme(
            name: name, title: title,
            fingerprint: [
                "class_token", "conv_proj.weight", "conv_proj.bias",
                "encoder.layers.encoder_layer_0.\(mlp[0]).weight",
                "encoder.layers.encoder_layer_0.self_attention.in_proj_bias",
            ],
            rules: [
                MappingRule("class_token", to: "cls_token"),
                MappingRule("encoder.pos_embedding", to: "pos_embed"),
            ] + MappingRule.layer("conv_proj", to: "patch_embed.proj")
                + MappingRule.layer("\(layer).ln_1", to: "blocks.{i}.norm1")
                + MappingRule.fused("\(layer).self_attention", to: "blocks.{i}.attn.qkv")
                + MappingRule.layer("\(layer).self_attention.out_proj", to: "blocks.{i}.attn.proj")
                + MappingRule.layer("\(layer).ln_2", to: "blocks.{i}.norm2")
                + MappingRule.layer("\(layer).\(mlp[0])", to: "blocks.{i}.mlp.fc1")
                + MappingRule.layer("\(layer).\(mlp[1])", to: "blocks.{i}.mlp.fc2")
                + MappingRule.layer("encoder.ln", to: "norm")
                + MappingRule.layer("heads.pre_logits", to: "pre_logits.fc")
                + MappingRule.layer("heads.head", to: "head"),
            conventions: Conventions(
                layerNormEpsilon: 1e-6, gelu: .exact, poolings: ["token"], positions: ["all"]))
    }
}
