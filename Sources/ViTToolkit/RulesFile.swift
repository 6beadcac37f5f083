import Checkpoints
import TensorCore
import WeightMapping

extension ModelOptions {
    /// Takes the naming scheme of a rules file, which then is the only one; see the README for its form.
    ///
    /// - Throws: `MappingError.invalidRule` that names the place in the file; an error of the file itself.
    public mutating func readRules(at path: String) throws {
        rules = try NamingScheme(rulesAt: path)
    }
}

extension OutputForm {
    /// A form by what the command's `--to` takes: a scheme's name, or a rules file, whose name ends in `.json`.
    ///
    /// - Throws: `ToolkitError.unknownScheme`; `MappingError.invalidRule`; an error of the file itself.
    public init(named name: String) throws {
        self.init()
        if name.hasSuffix(".json") {
            rules = try NamingScheme(rulesAt: name)
        } else {
            scheme = try ToolkitError.scheme(named: name).name
        }
    }
}

extension NamingScheme {
    /// The scheme of a rules file.
    package init(rulesAt path: String) throws {
        self = try ToolkitError.inFile(path) {
            let file: OpenFile
            do {
                file = try OpenFile(path: path)
            } catch {
                throw CheckpointError(error, path: path)
            }
            guard file.size <= Self.largestRulesFile else {
                throw MappingError.invalidRule(
                    "expected a rules file of at most \(Self.largestRulesFile) bytes, found \(file.size)")
            }
            do {
                return try NamingScheme(parsingRules: try ByteRegion(file).array())
            } catch let error as ByteError {
                throw CheckpointError(error, path: path)
            }
        }
    }
}

/// Drafts a naming scheme for a checkpoint whose names no scheme knows.
///
/// - Parameter select: a path that leads to the weights, where there are several.
/// - Throws: `MappingError.noPattern` when the tensors do not look like a Vision Transformer's.
package func suggestRules(for checkpoint: Checkpoint, select: String? = nil) throws -> RulesDraft {
    try ToolkitError.inFile(checkpoint.path) {
        try RulesSuggester.draft(checkpoint.tensors, select: select)
    }
}

/// Writes a text as a file that appears whole or not at all.
package func save(text: String, to path: String) throws {
    let file = try AtomicFile(replacing: path)
    try file.write(Array(text.utf8))
    try file.commit()
}
