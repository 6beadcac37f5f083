import TensorCore
import ViT

/// OpenCLIP's `open_clip_config.json`. Source: mlfoundations/open_clip, `push_to_hf_hub.py`, `model.py`.
extension ModelDescription {
    mutating func readOpenCLIP(_ file: ConfigurationFile) throws {
        if let preprocessing = try file.object("preprocess_cfg") {
            try readPreprocessing(preprocessing, mean: "mean", deviation: "std")
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
        let length = try tower.count("head_width") ?? 64
        guard let width else { return }
        guard width.value % length == 0 else {
            throw tower.wrong("head_width", expected: "a divisor of width, \(width.value)")
        }
        heads = fact("head_width", width.value / length)
    }
}
