import TensorCore
import ViT

/// transformers' `config.json`. Source: huggingface/transformers, `models/*/configuration_*.py`.
extension ModelDescription {
    private static let visionTransformers: Set<String> = [
        "vit", "deit", "vit_mae", "vit_msn", "dinov2", "dinov2_with_registers", "clip_vision_model",
        "siglip_vision_model",
    ]

    /// Models of which an image tower is a part, described under `vision_config`.
    private static let withTower: Set<String> = ["clip", "siglip"]

    mutating func readTransformers(_ file: ConfigurationFile) throws {
        guard let type = try file.string("model_type") else {
            remarks.append("config.json names no model_type: nothing is taken from it")
            return
        }
        if Self.withTower.contains(type) {
            if let tower = try file.object("vision_config") { try readSizes(tower) }
            return
        }
        guard Self.visionTransformers.contains(type) else {
            let known = Self.visionTransformers.union(Self.withTower).sorted().joined(separator: ", ")
            throw file.wrong("model_type", expected: "a Vision Transformer that is computed here (\(known))")
        }
        try readSizes(file)
        // DINOv2 has mlp_ratio instead; what else stands there is kept by transformers and not heeded.
        if type.hasPrefix("dinov2") { hidden = nil }
        try readLabels(file)
        let act = try file.string("pooler_act") ?? "tanh"
        if act != "tanh" { poolerProblem = file.wrong("pooler_act", expected: "tanh") }
    }

    private mutating func readSizes(_ file: ConfigurationFile) throws {
        heads = file.fact("num_attention_heads", try file.count("num_attention_heads"))
        imageSize = file.fact("image_size", try file.size("image_size"))
        patchSize = file.fact("patch_size", try file.size("patch_size"))
        channels = file.fact("num_channels", try file.count("num_channels"))
        width = file.fact("hidden_size", try file.count("hidden_size"))
        depth = file.fact("num_hidden_layers", try file.count("num_hidden_layers"))
        hidden = file.fact("intermediate_size", try file.count("intermediate_size"))
        qkvBias = file.fact("qkv_bias", try file.bool("qkv_bias"))
        layerNormEpsilon = try file.number("layer_norm_eps")
        if let epsilon = layerNormEpsilon, !(epsilon > 0 && epsilon < 1) {
            throw file.wrong("layer_norm_eps", expected: "a number between 0 and 1")
        }
        gelu = try readActivation(file)
        if let heads, let width, width.value % heads.value != 0 {
            throw file.wrong("num_attention_heads", expected: "a divisor of hidden_size, \(width.value)")
        }
    }

    /// Source: `transformers/activations.py`.
    private func readActivation(_ file: ConfigurationFile) throws -> ViTConfiguration.GELU? {
        switch try file.string("hidden_act") {
        case nil: nil
        case "gelu", "gelu_python": .exact
        case "gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate": .tanh
        case "quick_gelu": .quick
        default:
            throw file.wrong(
                "hidden_act",
                expected: "a form of GELU (gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu)")
        }
    }

    private mutating func readLabels(_ file: ConfigurationFile) throws {
        guard let members = try file.object("id2label")?.json.members, !members.isEmpty else { return }
        var names: [Int: String] = [:]
        for member in members {
            guard let index = Int(member.key), let name = member.value.string else {
                throw file.wrong("id2label", expected: "a text for each class, by number")
            }
            names[index] = name
        }
        let labels = (0..<names.count).compactMap { names[$0] }
        guard labels.count == members.count else {
            throw file.wrong("id2label", expected: "the numbers from 0 to \(members.count - 1)")
        }
        let place = file.place("id2label")
        classes = Fact(value: labels.count, place: place)
        // What transformers writes when nobody named the classes.
        if labels.enumerated().contains(where: { $1 != "LABEL_\($0)" }) {
            self.labels = Fact(value: labels, place: place)
        }
    }
}
