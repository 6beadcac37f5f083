extension NamingScheme {
    /// big_vision's models, SigLIP's image tower among them: positions stand at the top and count the patches
    /// only, since the class token comes in front of them afterwards.
    ///
    /// Source: google-research/big_vision, `models/vit.py`.
    package static let bigVision = bigVision(
        name: "big-vision", title: "big_vision, SigLIP", block: "encoderblock_{i}", first: "encoderblock_0",
        .single)

    /// The same with all blocks in one (`scan=True`): every tensor of a block has the depth as its first axis.
    package static let bigVisionScanned = bigVision(
        name: "big-vision-scanned", title: "big_vision with scanned blocks", block: "encoderblock",
        first: "encoderblock", .scanned)

    private static func bigVision(
        name: String, title: String, block: String, first: String, _ depth: KernelRows.Depth
    ) -> NamingScheme {
        let names = ["LayerNorm_0", "MultiHeadDotProductAttention_0", "LayerNorm_1", "MlpBlock_0"]
        return NamingScheme(
            name: name, title: title,
            fingerprint: [
                "embedding/kernel", "embedding/bias", "Transformer/\(first)/\(names[1])/query/kernel",
                "Transformer/\(first)/\(names[1])/query/bias",
            ],
            rules: [
                MappingRule("cls", to: "cls_token"), MappingRule("pos_embedding", to: "pos_embed"),
            ] + GoogleViT.embedding + GoogleViT.block("Transformer/\(block)", names, depth)
                + attentionPooling + GoogleViT.endings,
            unsupported: GoogleViT.unsupported,
            conventions: GoogleViT.conventions(poolings: ["token", "avg", "map"], positions: ["patches"]),
            prefix: "params/")
    }

    private static var attentionPooling: [MappingRule] {
        let (head, attention) = ("MAPHead_0", "MAPHead_0/MultiHeadDotProductAttention_0")
        return [MappingRule("MAPHead_0/probe", to: "attn_pool.latent")]
            + KernelRows.flax.intoHeads(["\(attention)/query"], to: "attn_pool.q")
            + KernelRows.flax.intoHeads(["\(attention)/key", "\(attention)/value"], to: "attn_pool.kv")
            + KernelRows.flax.outOfHeads("\(attention)/out", to: "attn_pool.proj")
            + KernelRows.flax.norm("\(head)/LayerNorm_0", to: "attn_pool.norm")
            + KernelRows.flax.dense("\(head)/MlpBlock_0/Dense_0", to: "attn_pool.mlp.fc1")
            + KernelRows.flax.dense("\(head)/MlpBlock_0/Dense_1", to: "attn_pool.mlp.fc2")
    }
}
