extension NamingScheme {
    /// vit-keras 0.2 in a legacy `.h5` file, of weights alone or (under `model_weights`) of a whole model. Layers
    /// have the names of Google's modules, each twice: as the layer's group and in its variables' paths.
    ///
    /// Source: faustomorales/vit-keras, `vit_keras/layers.py`; names as Keras 3.15 writes them.
    package static let vitKeras = vitKeras(
        name: "vit-keras", title: "vit-keras, legacy .h5", separator: "_", mlp: "MlpBlock_3/", suffix: "",
        rows: .kerasLegacy)

    /// vit-keras up to 0.1.2 under Keras 2, where slashes in the layers' names make further groups, and where the
    /// MLP's layers stand beside the attention.
    ///
    /// Source: the same at 0.1.2; names as Keras 2.15 writes them.
    package static let vitKeras2 = vitKeras(
        name: "vit-keras-2", title: "vit-keras under Keras 2, .h5", separator: "/", mlp: nil, suffix: ":0",
        rows: .keras2)

    /// - Parameters:
    ///   - separator: what joins `Transformer` with the names of its parts.
    ///   - mlp: the group of the MLP's layers, which then repeat the block's name; nil for none.
    private static func vitKeras(
        name: String, title: String, separator: String, mlp: String?, suffix: String, rows: KernelRows
    ) -> NamingScheme {
        @Sendable func twice(_ layer: String) -> String { "\(layer)/\(layer)" }
        let part = "Transformer\(separator)"
        let block = twice("\(part)encoderblock_{i}")
        let dense = mlp.map { "\(block)/\($0)\(part)encoderblock_{i}_Dense_" } ?? "\(block)/Dense_"
        let positions = "\(twice("\(part)posembed_input"))/pos_embedding\(suffix)"
        return NamingScheme(
            name: name, title: title,
            fingerprint: [
                "embedding/embedding/kernel\(suffix)", "embedding/embedding/bias\(suffix)",
                "\(twice("\(part)encoderblock_0"))/MultiHeadDotProductAttention_1/query/kernel\(suffix)",
                "\(twice("\(part)encoderblock_0"))/MultiHeadDotProductAttention_1/query/bias\(suffix)",
            ],
            rules: [
                MappingRule(
                    NameTemplate(stringLiteral: "\(twice("class_token"))/cls\(suffix)"), to: "cls_token"),
                MappingRule(NameTemplate(stringLiteral: positions), to: "pos_embed"),
            ] + rows.convolution(twice("embedding"), to: "patch_embed.proj")
                + vitKerasAttention(
                    "\(block)/MultiHeadDotProductAttention_1", ["query", "key", "value"], rows)
                + rows.dense("\(block)/MultiHeadDotProductAttention_1/out", to: "blocks.{i}.attn.proj")
                + rows.norm("\(block)/LayerNorm_0", to: "blocks.{i}.norm1")
                + rows.norm("\(block)/LayerNorm_2", to: "blocks.{i}.norm2")
                + rows.dense("\(dense)0", to: "blocks.{i}.mlp.fc1")
                + rows.dense("\(dense)1", to: "blocks.{i}.mlp.fc2")
                + rows.norm(twice("\(part)encoder_norm"), to: "norm")
                + rows.dense(twice("pre_logits"), to: "pre_logits.fc")
                + rows.dense(twice("head"), to: "head"),
            conventions: vitKerasConventions,
            order: vitKerasOrder(
                beginnings: [twice("embedding"), twice("class_token"), twice("\(part)posembed_input")],
                block: block,
                dense: dense, endings: [twice("\(part)encoder_norm"), twice("pre_logits"), twice("head")],
                suffix: suffix))
    }

    /// Keras loads a legacy file by the order of layers and of the variables within them.
    private static func vitKerasOrder(
        beginnings: [String], block: String, dense: String, endings: [String], suffix: String
    ) -> [NameTemplate] {
        let attention = ["query", "key", "value", "out"].map {
            "\(block)/MultiHeadDotProductAttention_1/\($0)"
        }
        let maps = (attention + ["\(dense)0", "\(dense)1"]).flatMap { ["\($0)/kernel", "\($0)/bias"] }
        let norms = ["LayerNorm_0", "LayerNorm_2"].flatMap {
            ["\(block)/\($0)/gamma", "\(block)/\($0)/beta"]
        }
        let variables = ["kernel", "bias", "cls", "pos_embedding", "gamma", "beta"]
        func all(of layers: [String]) -> [String] {
            layers.flatMap { layer in variables.map { "\(layer)/\($0)" } }
        }
        return (all(of: beginnings) + maps + norms + all(of: endings))
            .map { NameTemplate(stringLiteral: $0 + suffix) }
    }

    /// vit-keras in Keras' `.weights.h5`, where layers are counted by kind and variables by their order.
    ///
    /// Of the two maps at the end the second is the head; a single one is taken for the head, since nothing tells
    /// it from the pre-logits of a model without a head. What is written in these names loads under Keras 3; Keras 2,
    /// which writes them too, wants groups for layers without variables as well: `vit-keras-2` is for it.
    ///
    /// Source: the same at 0.1.2 and 0.2.0; names as Keras 2.15 and 3.15 write them.
    package static let vitKeras3 = NamingScheme(
        name: "vit-keras-3",
        title: "vit-keras, .weights.h5",
        fingerprint: [
            "layers/conv2d/vars/0", "layers/conv2d/vars/1",
            "layers/transformer_block/att/query_dense/vars/0",
            "layers/transformer_block/att/query_dense/vars/1",
        ],
        rules: vitKeras3Rules,
        // A new head in a `Sequential` around a model without one; of two layers the first is none of ours.
        outsideHead: KernelRows.keras3.dense(
            "dense", to: "head", where: .without("dense_1/vars/0", .parameter("pre_logits.fc.weight")))
            + KernelRows.keras3.dense(
                "dense_1", to: "head", where: .with("dense_1/vars/0", .parameter("pre_logits.fc.weight"))),
        conventions: vitKerasConventions)

    private static var vitKeras3Rules: [MappingRule] {
        let rows = KernelRows.keras3
        let block = "layers/transformer_block{_i}"
        return [
            MappingRule("layers/class_token/vars/0", to: "cls_token"),
            MappingRule("layers/add_position_embs/vars/0", to: "pos_embed"),
        ] + rows.convolution("layers/conv2d", to: "patch_embed.proj")
            + vitKerasAttention("\(block)/att", ["query_dense", "key_dense", "value_dense"], rows)
            + rows.dense("\(block)/att/combine_heads", to: "blocks.{i}.attn.proj")
            + rows.norm("\(block)/layernorm1", to: "blocks.{i}.norm1")
            + rows.norm("\(block)/layernorm2", to: "blocks.{i}.norm2")
            + rows.dense("\(block)/mlpblock/layers/dense", to: "blocks.{i}.mlp.fc1")
            + rows.dense("\(block)/mlpblock/layers/dense_1", to: "blocks.{i}.mlp.fc2")
            + rows.norm("layers/layer_normalization", to: "norm")
            + kerasEndings("layers/dense", "layers/dense_1")
    }

    /// The maps at the end of a Keras model, which counts them whatever they are for.
    static func kerasEndings(_ first: String, _ second: String) -> [MappingRule] {
        let rows = KernelRows.keras3
        let both = NameTemplate(stringLiteral: "\(second)/vars/0")
        let hasPreLogits = MappingRule.Condition.Feature.parameter("pre_logits.fc.weight")
        return rows.dense(
            first, to: "pre_logits.fc", where: .with(both, .parameter("head.weight")))
            + rows.dense(second, to: "head", where: .with(both, hasPreLogits))
            + rows.dense(first, to: "head", where: .without(both, hasPreLogits))
    }

    private static func vitKerasAttention(
        _ path: String, _ names: [String], _ rows: KernelRows
    ) -> [MappingRule] {
        rows.joined(names.map { "\(path)/\($0)" }, to: "blocks.{i}.attn.qkv")
    }

    private static let vitKerasConventions = Conventions(
        layerNormEpsilon: 1e-6, gelu: .exact, poolings: ["token"], mlps: ["plain"], positions: ["all"],
        mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
}
