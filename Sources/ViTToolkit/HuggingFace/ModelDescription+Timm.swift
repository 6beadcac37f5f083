import TensorCore
import ViT

/// timm's `config.json`. Source: huggingface/pytorch-image-models, `timm/models/_hub.py`.
extension ModelDescription {
    mutating func readTimm(_ file: ConfigurationFile) throws {
        let arguments = try file.object("model_args")
        let architecture = try file.string("architecture") ?? ""
        if let arguments {
            heads = arguments.fact("num_heads", try arguments.count("num_heads"))
            imageSize = arguments.fact("img_size", try arguments.size("img_size"))
            patchSize = arguments.fact("patch_size", try arguments.size("patch_size"))
            channels = arguments.fact("in_chans", try arguments.count("in_chans"))
            width = arguments.fact("embed_dim", try arguments.count("embed_dim"))
            depth = arguments.fact("depth", try arguments.count("depth"))
            qkvBias = arguments.fact("qkv_bias", try arguments.bool("qkv_bias"))
            gelu = try readActivation(arguments)
        }
        if let feature = TimmArchitecture.unsupported(architecture) {
            throw file.wrong("architecture", expected: "a model without \(feature)")
        }
        if heads == nil, let known = TimmArchitecture.heads(architecture) {
            heads = Fact(value: known, place: file.place("architecture"))
        }
        if gelu == nil, !architecture.isEmpty { gelu = TimmArchitecture.gelu(architecture) }
        let described = [arguments, file].compactMap { $0 }.first { $0.value("global_pool") != nil }
        if let described, let pool = try described.string("global_pool") {
            guard ["token", "avg", "map", ""].contains(pool) else {
                throw described.wrong("global_pool", expected: "token, avg or map")
            }
            pooling = ViTConfiguration.Pooling(rawValue: pool)
        }
        if let classes = try countOrNone(file, "num_classes") {
            self.classes = Fact(value: classes, place: file.place("num_classes"))
        }
        try readLabelNames(file)
        guard let pretrained = try file.object("pretrained_cfg") else { return }
        try readPreprocessing(pretrained, mean: "mean", deviation: "std")
        try readTimmResizing(pretrained)
        if let size = try pretrained.numbers("input_size"), size.count == 3,
            let height = Int(exactly: size[1]), let width = Int(exactly: size[2]),
            (1...1 << 16).contains(height), (1...1 << 16).contains(width)
        {
            likelyImageSize = .init(height: height, width: width)
        }
    }

    /// 0 is a model without a head.
    private func countOrNone(_ file: ConfigurationFile, _ key: String) throws -> Int? {
        file.value(key) == .integer(0) ? 0 : try file.count(key)
    }

    /// Source: `timm/layers/create_act.py`.
    private func readActivation(_ arguments: ConfigurationFile) throws -> ViTConfiguration.GELU? {
        switch try arguments.string("act_layer") {
        case nil, "silu", "swish": nil
        case "gelu": .exact
        case "gelu_tanh": .tanh
        case "quick_gelu": .quick
        default: throw arguments.wrong("act_layer", expected: "gelu, gelu_tanh, quick_gelu or silu")
        }
    }

    private mutating func readLabelNames(_ file: ConfigurationFile) throws {
        guard let names = file.value("label_names") else { return }
        guard let list = names.array else { return }
        let labels = list.compactMap(\.string)
        guard labels.count == list.count else {
            throw file.wrong("label_names", expected: "a list of texts")
        }
        self.labels = Fact(value: labels, place: file.place("label_names"))
    }
}
