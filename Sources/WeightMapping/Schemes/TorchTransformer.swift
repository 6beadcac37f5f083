extension NamingScheme {
    /// torch's encoder–decoder Transformer, whose names are the canonical ones.
    ///
    /// Source: `torch/nn/modules/transformer.py`, `activation.py` (`MultiheadAttention`).
    package static let torchTransformer = NamingScheme(
        name: "torch-transformer",
        title: "torch.nn.Transformer",
        fingerprint: [
            "encoder.layers.0.self_attn.in_proj_weight", "encoder.layers.0.linear1.weight",
            "decoder.layers.0.multihead_attn.in_proj_weight",
        ],
        rules: layers(of: "encoder", attentions: ["self_attn"], norms: 2)
            + layers(of: "decoder", attentions: ["self_attn", "multihead_attn"], norms: 3),
        ignored: [
            Exemption("pe", "positions, which are added in front of the model"),
            Exemption("{*}.pe", "positions, which are added in front of the model"),
            Exemption("{*}.pos_embedding", "positions, which are added in front of the model"),
        ],
        unsupported: [
            Exemption("{*}.k_proj_weight", "keys of another width than queries"),
            Exemption("{*}.bias_k", "a learned key beside the others"),
            // Told by what stands beside the Transformer.
            Exemption("query_embed.{*}", "positions that are added in every attention (DETR)"),
        ],
        conventions: Conventions(layerNormEpsilon: 1e-5))

    private static func layers(of stack: String, attentions: [String], norms: Int) -> [MappingRule] {
        let layer = "\(stack).layers.{i}"
        return attentions.flatMap { attention in
            ["in_proj_weight", "in_proj_bias"].map { part in
                MappingRule.same(NameTemplate(stringLiteral: "\(layer).\(attention).\(part)"))
            } + MappingRule.layer("\(layer).\(attention).out_proj")
        }
            + (["linear1", "linear2"] + (1...norms).map { "norm\($0)" }).flatMap {
                MappingRule.layer("\(layer).\($0)")
            } + MappingRule.layer("\(stack).norm")
    }
}
