import TestSupport

@testable import Checkpoints
@testable import TensorCore
@testable import ViT
@testable import ViTToolkit
@testable import WeightMapping

/// What stands beside checkpoints: indices of shards, rules files, descriptions of models.
extension FuzzTarget {
    /// An index, with the two shards of the sweep's beside it.
    static let index = FuzzTarget(
        name: "safetensors-index", longest: 2 << 10, executions: 10_000,
        fixtures: { files(in: ["sweep", "attacks"], [".index.json"]) },
        prepare: {
            for name in ["shard-0.safetensors", "shard-1.safetensors"] {
                if let folder, let bytes = try? Fixtures.bytes("sweep/" + name) {
                    _ = try? folder.file(name, bytes)
                }
            }
        },
        isOfUse: { bytes in
            guard let path = try? folder?.file("shards.safetensors.index.json", bytes),
                let checkpoint = try? Checkpoint(path: path)
            else { return true }
            for tensor in checkpoint.tensors { try? tensor.view.forEachChunk { _ in } }
            return true
        })

    nonisolated(unsafe) private static let folder = try? TemporaryFolder()

    /// A rules file, with the checkpoint of the fixture mapped by it.
    static let rules = FuzzTarget(
        name: "rules", longest: 4 << 10, executions: 20_000,
        fixtures: { files(in: ["rules"], [".json"]) },
        isOfUse: { bytes in
            guard let rules = try? NamingScheme(parsingRules: bytes) else { return true }
            var options = ModelOptions()
            options.rules = rules
            if let model, let prepared = try? PreparedModel(model, options: options) {
                for parameter in prepared.parameters { try? parameter.view.forEachChunk { _ in } }
            }
            _ = try? NamingScheme(rules: rules.rulesJSON)
            return true
        })

    private static let model = try? Checkpoint(path: Fixtures.path("rules/vit_pytorch.pth"))

    /// A `config.json`, an `open_clip_config.json`, a `preprocessor_config.json`, and the configuration in an `.swt`.
    static let configuration = FuzzTarget(
        name: "configuration", longest: 4 << 10, executions: 60_000,
        fixtures: {
            let folders = [
                "hf_clip", "hf_deit_distilled", "hf_dinov2_swiglu", "hf_mae", "hf_siglip_vision", "hf_vit",
                "hf_vit_sharded", "openclip_hub", "timm_hub", "timm_hub_avg",
            ]
            return files(in: folders.map { "schemes/torch/" + $0 }, ["config.json"])
                + files(in: ["swt"], [".swt"])
        },
        parts: { bytes in
            guard let json = try? JSONParser.parse(bytes) else {
                let checkpoint = try? Checkpoint(bytes: ByteRegion(bytes), named: "seed")
                return (checkpoint?.metadata ?? []).filter { $0.key == "vit.configuration" }.map {
                    Array($0.value.utf8)
                }
            }
            return [Array(json.compact.utf8)]
        },
        isOfUse: { bytes in
            guard let json = try? JSONParser.parse(bytes) else { return true }
            let file = ConfigurationFile(name: "config.json", json: json)
            _ = try? ModelDescription(file, preprocessor: file)
            var description = ModelDescription()
            try? description.readOpenCLIP(file)
            _ = try? ViTConfiguration(json: json).json
            return true
        })
}
