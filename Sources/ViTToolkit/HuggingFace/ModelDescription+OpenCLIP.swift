import TensorCore
import ViT

/// OpenCLIP's `open_clip_config.json`. Source: mlfoundations/open_clip, `push_to_hf_hub.py`, `model.py`.
extension ModelDescription {
    mutating func readOpenCLIP(_ file: ConfigurationFile) throws {
        if let preprocessing = try file.object("preprocess_cfg") {
            try readPreprocessing(preprocessing, mean: "mean", deviation: "std")
            try readOpenCLIPResizing(preprocessing)
        }
        // An image tower of timm's is described by timm's name for it.
        guard let model = try file.object("model_cfg"), let tower = try model.object("vision_cfg"),
            tower.value("timm_model_name") == nil
        else { return }
        func fact<Value>(_ key: String, _ value: Value?) -> Fact<Value>? {
            value.map { Fact(value: $0, place: tower.place(key)) }
        }
        width = fact("width", try tower.count("width"))
        depth = fact("layers", try tower.count("layers"))
        imageSize = fact("image_size", try tower.size("image_size"))
        patchSize = fact("patch_size", try tower.size("patch_size"))
        gelu = try model.bool("quick_gelu") ?? false ? .quick : .exact
        if let arguments = try tower.object("act_kwargs"), gelu == .exact {
            gelu = try arguments.string("approximate") == "tanh" ? .tanh : .exact
        }
        if let arguments = try tower.object("norm_kwargs") { layerNormEpsilon = try arguments.number("eps") }
        try readPooling(tower)
        let length = try tower.count("head_width") ?? 64
        guard let width else { return }
        guard width.value % length == 0 else {
            throw tower.wrong("head_width", expected: "a divisor of width, \(width.value)")
        }
        heads = fact("head_width", width.value / length)
    }

    /// Names tell where the last norm stands as OpenCLIP's own models have it: after the mean of the patches in
    /// those without a first norm, else before the class token is taken.
    private mutating func readPooling(_ tower: ConfigurationFile) throws {
        let kind = try tower.string("pool_type") ?? "tok"
        guard let pooling = ["tok": ViTConfiguration.Pooling.token, "avg": .average][kind] else {
            throw tower.wrong("pool_type", expected: "tok or avg")
        }
        self.pooling = pooling
        let isAfter = try tower.bool("final_ln_after_pool") ?? false
        let hasNoFirst = try tower.bool("no_ln_pre") ?? false
        if pooling == .average, isAfter != hasNoFirst {
            throw tower.wrong("final_ln_after_pool", expected: "\(hasNoFirst), as no_ln_pre,")
        }
    }
}
