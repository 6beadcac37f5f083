extension NamingScheme {
    /// The image tower of OpenAI's CLIP, told by the numbers that its files hold beside the weights.
    ///
    /// Source: openai/CLIP, `clip/model.py`.
    package static let clipOpenAI = NamingScheme(
        name: "clip-openai", title: "OpenAI CLIP, image tower",
        fingerprint: ["input_resolution"] + clipFingerprint.map { "visual." + $0 },
        rules: clipRules("visual."),
        ignored: [
            Exemption("input_resolution", "a number beside the weights"),
            Exemption("context_length", "a number beside the weights"),
            Exemption("vocab_size", "a number beside the weights"),
            Exemption("transformer.{*}", "the text tower"), Exemption("ln_final.{*}", "the text tower"),
            Exemption("token_embedding.weight", "the text tower"),
            Exemption("positional_embedding", "the text tower"),
            Exemption("text_projection", "the text tower"), Exemption("logit_scale", "the text tower"),
        ],
        unsupported: clipUnsupported("visual."), conventions: clipConventions(.quick))

    /// The image tower of OpenCLIP, in the whole model or alone. Weights that come from OpenAI need QuickGELU,
    /// which no tensor shows.
    ///
    /// Source: mlfoundations/open_clip, `open_clip/transformer.py`.
    package static let openCLIP = NamingScheme(
        name: "openclip", title: "OpenCLIP, image tower", fingerprint: clipFingerprint, rules: clipRules(""),
        unsupported: clipUnsupported(""), conventions: clipConventions(.exact), prefix: "visual.")

    private static let clipFingerprint = [
        "class_embedding", "conv1.weight", "transformer.resblocks.0.attn.in_proj_weight",
    ]

    private static func clipRules(_ prefix: String) -> [MappingRule] {
        func name(_ text: String) -> NameTemplate { NameTemplate(stringLiteral: prefix + text) }
        let block = prefix + "transformer.resblocks.{i}"
        let (preNorm, hasPreNorm) = (
            name("ln_pre.weight"), MappingRule.Condition.Feature.parameter("norm_pre.weight")
        )
        return [
            MappingRule(name("class_embedding"), to: "cls_token", .reshape("D -> 1 1 D")),
            MappingRule(name("positional_embedding"), to: "pos_embed", .reshape("T D -> 1 T D")),
            MappingRule(name("conv1.weight"), to: "patch_embed.proj.weight"),
        ] + MappingRule.layer(prefix + "ln_pre", to: "norm_pre")
            + MappingRule.layer("\(block).ln_1", to: "blocks.{i}.norm1")
            + MappingRule.fused("\(block).attn", to: "blocks.{i}.attn.qkv")
            + MappingRule.layer("\(block).attn.out_proj", to: "blocks.{i}.attn.proj")
            + [MappingRule(name("transformer.resblocks.{i}.ls_1.gamma"), to: "blocks.{i}.ls1.gamma")]
            + MappingRule.layer("\(block).ln_2", to: "blocks.{i}.norm2")
            + MappingRule.layer("\(block).mlp.c_fc", to: "blocks.{i}.mlp.fc1")
            + MappingRule.layer("\(block).mlp.c_proj", to: "blocks.{i}.mlp.fc2")
            + [MappingRule(name("transformer.resblocks.{i}.ls_2.gamma"), to: "blocks.{i}.ls2.gamma")]
            + MappingRule.layer(prefix + "ln_post", to: "norm", where: .with(preNorm, hasPreNorm))
            // CLIPA, the only family without the first norm, has the last one after the mean of the patches.
            + MappingRule.layer(prefix + "ln_post", to: "fc_norm", where: .without(preNorm, hasPreNorm))
            + [MappingRule(name("proj"), to: "head.weight", .transpose([1, 0]))]
    }

    private static func clipUnsupported(_ prefix: String) -> [Exemption] {
        [
            Exemption(NameTemplate(stringLiteral: prefix + "attn_pool.{*}"), "an attentional pooler (CoCa)"),
            Exemption(
                NameTemplate(stringLiteral: prefix + "transformer.resblocks.{i}.ln_attn.{*}"),
                "a norm within the attention"),
        ]
    }

    private static func clipConventions(_ gelu: Conventions.GELU) -> Conventions {
        Conventions(
            layerNormEpsilon: 1e-5, gelu: gelu,
            geluRemark: gelu == .quick
                ? nil
                : "GELU is taken to be exact, as in most of OpenCLIP's models; weights that come from OpenAI, and "
                    + "models called quickgelu, need --gelu quick",
            poolings: ["token"], positions: ["all"],
            mean: [0.48145466, 0.4578275, 0.40821073],
            standardDeviation: [0.26862954, 0.26130258, 0.27577711])
    }
}
