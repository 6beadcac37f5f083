import Checkpoints
import TensorCore
import ViT
import WeightMapping

/// What makes a safetensors file an `.swt`: the texts in its `__metadata__`, version 1.
package enum SwtMetadata {
    package static let version = "1"
    /// Stands where the digest will be until the source has been read through.
    static let noDigest = String(repeating: "0", count: 64)

    /// The metadata of a converted model, in the order in which it is written.
    static func of(_ model: PreparedModel, sha256: String) -> [(key: String, value: String)] {
        let provenance = model.parameters.map { JSONValue.Member($0.name, $0.provenance) }
        return base(model.configuration) + [
            ("source.file", model.checkpoint.path.split(separator: "/").last.map(String.init) ?? ""),
            ("source.sha256", sha256),
            ("source.container", model.checkpoint.container.rawValue),
            ("source.scheme", model.scheme),
            ("provenance", JSONValue.object(provenance).compact),
        ]
    }

    /// The metadata of a model that comes from no file.
    static func of(_ configuration: ViTConfiguration, variant: String, seed: UInt64) -> [(
        key: String, value: String
    )] {
        base(configuration) + [("initialisation", "\(variant), seed \(seed)")]
    }

    private static func base(_ configuration: ViTConfiguration) -> [(key: String, value: String)] {
        [("format", "swt"), ("swt.version", version), ("vit.configuration", configuration.json.compact)]
    }

    /// The configuration that an `.swt` file states.
    ///
    /// - Throws: `ToolkitError.swt` when it is missing or of a later version; `ViTError` when it is damaged.
    static func configuration(of checkpoint: Checkpoint) throws -> ViTConfiguration {
        func text(_ key: String) throws -> String {
            guard let value = checkpoint.metadata.first(where: { $0.key == key })?.value else {
                throw ToolkitError.inFile(checkpoint.path, ToolkitError.swt("\(key) is missing"))
            }
            return value
        }
        let found = try text("swt.version")
        guard found == version else {
            throw ToolkitError.inFile(
                checkpoint.path, ToolkitError.swt("expected swt.version \(version), found \"\(found)\""))
        }
        let json = try JSONParser.parse(Array(try text("vit.configuration").utf8))
        return try ViTConfiguration(json: json)
    }
}
