import Checkpoints
import TensorCore
import ViT

/// What the files beside a checkpoint say of its model: `config.json` of transformers or timm,
/// `preprocessor_config.json`, and OpenCLIP's `open_clip_config.json`.
///
/// It fills in what names and shapes cannot tell. What they can tell must agree.
struct ModelDescription {
    /// A value, and the file and key that it comes from.
    struct Fact<Value> {
        let value: Value
        let place: String
    }

    var heads: Fact<Int>?
    var layerNormEpsilon: Double?
    var gelu: ViTConfiguration.GELU?
    var pooling: ViTConfiguration.Pooling?
    var preprocessing: ViTConfiguration.Preprocessing?
    var labels: Fact<[String]>?
    /// The image size for which the position embedding has its rows.
    var imageSize: Fact<ViTConfiguration.Size>?
    /// An image size that is probably the weights' own.
    var likelyImageSize: ViTConfiguration.Size?
    var patchSize: Fact<ViTConfiguration.Size>?
    var channels: Fact<Int>?
    var width: Fact<Int>?
    var depth: Fact<Int>?
    var hidden: Fact<Int>?
    var classes: Fact<Int>?
    var qkvBias: Fact<Bool>?
    /// Why a pre-logits layer would compute something else, if the model has one.
    var poolerProblem: ToolkitError?
    /// What the user should hear.
    var remarks: [String] = []

    /// Nothing known.
    init() {}

    /// Reads what stands beside a checkpoint that has one of the names under which hubs keep weights.
    ///
    /// - Throws: `CheckpointError` for a file that is no JSON; `ToolkitError` for a value that cannot be, and
    ///   for a model that is none of ours.
    init?(beside path: String) throws {
        let name = WebAddress.fileName(path)
        guard Self.isHubName(name) else { return nil }
        if name.hasPrefix("open_clip_") {
            guard let file = try ConfigurationFile("open_clip_config.json", beside: path) else {
                return nil
            }
            self.init()
            try readOpenCLIP(file)
            return
        }
        let file = try ConfigurationFile("config.json", beside: path)
        let preprocessor = try ConfigurationFile("preprocessor_config.json", beside: path)
        guard file != nil || preprocessor != nil else { return nil }
        try self.init(file, preprocessor: preprocessor)
    }

    init(_ file: ConfigurationFile?, preprocessor: ConfigurationFile?) throws {
        self.init()
        if let file {
            if file.value("pretrained_cfg") != nil || file.value("architecture") != nil {
                try readTimm(file)
            } else {
                try readTransformers(file)
            }
        }
        if let preprocessor, try preprocessor.bool("do_normalize") ?? true {
            try readPreprocessing(preprocessor, mean: "image_mean", deviation: "image_std")
            try readTransformersResizing(preprocessor)
        }
    }

    mutating func readPreprocessing(_ file: ConfigurationFile, mean: String, deviation: String) throws {
        guard let means = try file.numbers(mean), let deviations = try file.numbers(deviation) else { return }
        guard means.count == deviations.count, deviations.allSatisfy({ $0 > 0 }) else {
            throw file.wrong(deviation, expected: "\(means.count) positive numbers, one for each of \(mean)")
        }
        preprocessing = .init(mean: means, standardDeviation: deviations)
    }

    /// The names under which hubs keep weights. A file of any other name stands for itself.
    private static func isHubName(_ name: String) -> Bool {
        let names = [
            "model.safetensors", "pytorch_model.bin", "flax_model.msgpack", "tf_model.h5",
            "model.safetensors.index.json", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin",
            "open_clip_model.safetensors",
        ]
        return names.contains(name)
    }
}

extension ConfigurationFile {
    /// What the file says under a key, and where; nil when it says nothing.
    func fact<Value>(_ key: String, _ value: Value?) -> ModelDescription.Fact<Value>? {
        value.map { ModelDescription.Fact(value: $0, place: place(key)) }
    }
}
