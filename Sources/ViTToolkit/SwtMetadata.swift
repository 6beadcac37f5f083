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
        return base(model.modelConfiguration) + [
            ("source.file", WebAddress.fileName(model.checkpoint.path)),
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

    private static func base(_ configuration: some ModelConfiguration) -> [(key: String, value: String)] {
        [
            ("format", "swt"), ("swt.version", version),
            (key(of: type(of: configuration)), configuration.json.compact),
        ]
    }

    /// The key under which an architecture's configuration stands.
    package static func key(of architecture: any ModelConfiguration.Type) -> String {
        "\(architecture.architecture).configuration"
    }

    /// The configuration that an `.swt` file states.
    ///
    /// - Throws: `ToolkitError.swt` when it is missing or of a later version; `ConfigurationKeyError` and the
    ///   architecture's own errors when it is damaged.
    static func configuration(of checkpoint: Checkpoint) throws -> any ModelConfiguration {
        let architecture = try architecture(of: checkpoint)
        let text = checkpoint.metadata.first { $0.key == key(of: architecture) }?.value ?? ""
        return try architecture.init(json: try JSONParser.parse(Array(text.utf8)))
    }

    /// The architecture whose configuration an `.swt` file states.
    ///
    /// - Throws: `ToolkitError.swt` when there is none, or the file is of a later version.
    static func architecture(of checkpoint: Checkpoint) throws -> any ModelConfiguration.Type {
        func value(_ key: String) -> String? { checkpoint.metadata.first { $0.key == key }?.value }
        func damaged(_ detail: String) -> ToolkitError {
            ToolkitError.inFile(checkpoint.path, ToolkitError.swt(detail))
        }
        guard let found = value("swt.version") else { throw damaged("swt.version is missing") }
        guard found == version else {
            throw damaged("expected swt.version \(version), found \"\(found)\"")
        }
        guard let architecture = Architectures.all.first(where: { value(key(of: $0)) != nil }) else {
            throw damaged(Architectures.all.map(key).joined(separator: " or ") + " is missing")
        }
        return architecture
    }
}
