import TensorCore
import ViT

/// The `config.json` with which transformers' `from_pretrained` loads what is written in its names.
///
/// Source: huggingface/transformers, `models/*/configuration_*.py`.
package enum HuggingFaceConfiguration {
    /// The description of a model in the names of `scheme`; nil when these are none of transformers'.
    ///
    /// - Throws: `ToolkitError.impossible` when transformers' model cannot be told to compute the same.
    package static func json(
        for configuration: ViTConfiguration, scheme: String
    ) throws -> JSONValue? {
        guard let kind = kind(scheme, configuration) else { return nil }
        var members: [JSONValue.Member] = [
            .init("architectures", .strings([kind.architecture])), .init("model_type", .string(kind.type)),
        ]
        func add(_ key: String, _ value: JSONValue) { members.append(.init(key, value)) }
        add("hidden_size", .integer(configuration.width))
        add("num_hidden_layers", .integer(configuration.depth))
        add("num_attention_heads", .integer(configuration.heads))
        for member in try mlp(kind, configuration) { add(member.key, member.value) }
        add("hidden_act", .string(activation(configuration)))
        add("layer_norm_eps", .number(configuration.layerNormEpsilon))
        add("image_size", try size(configuration.imageSize, kind))
        add("patch_size", try size(configuration.patchSize, kind))
        add("num_channels", .integer(configuration.channels))
        if !kind.isTower {
            add("qkv_bias", .bool(configuration.qkvBias))
        } else if !configuration.qkvBias {
            throw ToolkitError.impossible(
                "the model has no bias for queries, keys and values, \(kind.architecture) has one")
        }
        if kind.type == "dinov2_with_registers" {
            add("num_register_tokens", .integer(configuration.registers))
        }
        // The mask token stands for patches in pre-training only, and is not written.
        if kind.type == "dinov2" { add("use_mask_token", .bool(false)) }
        if let preLogits = configuration.preLogits {
            add("pooler_output_size", .integer(preLogits))
            add("pooler_act", .string("tanh"))
        }
        if kind.isTower {
            if configuration.classes > 0 { add("projection_dim", .integer(configuration.classes)) }
        } else if configuration.classes > 0 {
            let labels = configuration.labels ?? (0..<configuration.classes).map { "LABEL_\($0)" }
            add("id2label", .object(labels.enumerated().map { .init("\($0)", .string($1)) }))
            if Set(labels).count == labels.count {
                add("label2id", .object(labels.enumerated().map { .init($1, .integer($0)) }))
            }
        }
        return .object(members)
    }

    /// Whether a scheme's names are those of transformers' own models.
    static func knows(_ scheme: String) -> Bool { kind(scheme, ViTConfiguration()) != nil }

    /// The `preprocessor_config.json` that prepares images as the model wants them; nil where nothing is known.
    static func preprocessor(for configuration: ViTConfiguration) -> JSONValue? {
        guard let preprocessing = configuration.preprocessing else { return nil }
        return .object([
            .init("image_processor_type", .string("ViTImageProcessor")),
            .init("do_resize", .bool(true)),
            .init(
                "size",
                .object([
                    .init("height", .integer(configuration.imageSize.height)),
                    .init("width", .integer(configuration.imageSize.width)),
                ])),
            .init("resample", .integer(bilinear)),
            .init("do_rescale", .bool(true)),
            .init("rescale_factor", .number(1.0 / 255)),
            .init("do_normalize", .bool(true)),
            .init("image_mean", .array(preprocessing.mean.map { .number($0) })),
            .init("image_std", .array(preprocessing.standardDeviation.map { .number($0) })),
        ])
    }

    /// PIL's number for it, which is the processor's default.
    private static let bilinear = 2

    /// Which of transformers' models it is.
    private struct Kind {
        let type: String
        let architecture: String
        /// Whether it is the image tower of a larger model, which knows no classes.
        var isTower = false
    }

    private static func kind(_ scheme: String, _ configuration: ViTConfiguration) -> Kind? {
        let hasHead = configuration.classes > 0
        switch scheme {
        case "huggingface", "huggingface-5":
            let isDeiT = configuration.distilled || configuration.registers > 0
            let name = isDeiT ? "DeiT" : "ViT"
            let task = hasHead ? "ForImageClassification" : "Model"
            return Kind(
                type: name.lowercased(),
                architecture: name + task + (configuration.distilled ? "WithTeacher" : ""))
        case "huggingface-dinov2", "huggingface-dinov2-5":
            let hasRegisters = configuration.registers > 0
            return Kind(
                type: hasRegisters ? "dinov2_with_registers" : "dinov2",
                architecture: (hasRegisters ? "Dinov2WithRegisters" : "Dinov2")
                    + (hasHead ? "ForImageClassification" : "Model"))
        case "huggingface-clip":
            return Kind(
                type: "clip_vision_model",
                architecture: hasHead ? "CLIPVisionModelWithProjection" : "CLIPVisionModel", isTower: true)
        case "huggingface-siglip":
            return Kind(type: "siglip_vision_model", architecture: "SiglipVisionModel", isTower: true)
        default: return nil
        }
    }

    private static func activation(_ configuration: ViTConfiguration) -> String {
        switch configuration.gelu {
        case .exact: "gelu"
        case .tanh: "gelu_pytorch_tanh"
        case .quick: "quick_gelu"
        }
    }

    private static func size(_ size: ViTConfiguration.Size, _ kind: Kind) throws -> JSONValue {
        if size.height == size.width { return .integer(size.height) }
        guard !kind.isTower else {
            throw ToolkitError.impossible(
                "\(kind.architecture) takes squares only, this model has \(size.height)×\(size.width)")
        }
        return .integers([size.height, size.width])
    }

    /// The MLP's inner length, which DINOv2 works out from a whole ratio.
    private static func mlp(_ kind: Kind, _ configuration: ViTConfiguration) throws -> [JSONValue.Member] {
        let (width, hidden) = (configuration.width, configuration.hidden)
        guard kind.type.hasPrefix("dinov2") else {
            return [.init("intermediate_size", .integer(hidden))]
        }
        let isGated = configuration.mlp != .plain
        let ratio = (1...64).first { ratio in
            // Source: `Dinov2SwiGLUFFN.__init__`.
            isGated ? (width * ratio * 2 / 3 + 7) / 8 * 8 == hidden : width * ratio == hidden
        }
        guard let ratio else {
            throw ToolkitError.impossible(
                "\(kind.architecture) cannot be told an inner length of \(hidden) at a width of \(width): "
                    + "it takes whole multiples")
        }
        return [.init("mlp_ratio", .integer(ratio)), .init("use_swiglu_ffn", .bool(isGated))]
    }
}
