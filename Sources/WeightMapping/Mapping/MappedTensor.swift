import TensorCore

/// A parameter under its canonical name, and where it comes from.
package struct MappedTensor: Sendable {
    package let name: String
    package var view: TensorView
    /// The full names of the tensors in the file; empty for a parameter that was made anew.
    package var sources: [String]
    /// What was done to them, in order and in words; empty for a mere renaming.
    package var operations: [String]

    package init(name: String, view: TensorView, sources: [String] = [], operations: [String] = []) {
        self.name = name
        self.view = view
        self.sources = sources
        self.operations = operations
    }

    /// The rule as it was applied, in words.
    package var text: String {
        let source = sources.isEmpty ? "made anew" : sources.joined(separator: ", ")
        return "\(name) ← \(source)" + (operations.isEmpty ? "" : ": \(operations.joined(separator: ", "))")
    }

    /// The tensor's entry in the provenance of an `.swt`.
    package var provenance: JSONValue {
        .object(["sources": .strings(sources), "operations": .strings(operations)])
    }
}
