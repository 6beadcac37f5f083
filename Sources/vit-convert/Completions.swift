import ArgumentParser
import ViTToolkit

extension CompletionKind {
    /// Names that are worked out only when somebody asks for them.
    static let schemes = CompletionKind.custom { _, _, _ in NamingScheme.all.map(\.name) }
    static let variants = CompletionKind.custom { _, _, _ in ViTVariant.all.map(\.name) }
    static let references = CompletionKind.file(extensions: ["npz", "safetensors"])
}
