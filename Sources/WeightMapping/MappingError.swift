import TensorCore

/// Why the tensors of a checkpoint cannot be made the model's parameters.
public enum MappingError: Error, Sendable, Equatable {
    /// No place of the checkpoint holds the names of a known scheme.
    case noWeights(examples: [String], count: Int, nearest: String?, lacking: [String])
    /// There are no weights at the path that was asked for.
    case unknownSelection(String, candidates: [String])
    /// The names fit several schemes equally well.
    case ambiguousScheme([String], path: String)
    /// The checkpoint's model computes something that ours does not.
    case unsupported(feature: String, names: [String])
    /// The tensors and the model's parameters do not match one to one.
    case incomplete(path: String, scheme: String, MappingReport)
    /// A scheme cannot hold parameters that the model has.
    case unwritable(scheme: String, parameters: [String], detail: String)
    /// The parameters cannot be changed as asked.
    case impossibleChange(String)
    /// No naming scheme can be drawn up: the tensors do not look like a Vision Transformer's.
    case noPattern(String)
    /// A rule, template or pattern is malformed.
    case invalidRule(String)
}

extension MappingError: CustomStringConvertible {
    /// The error in words, without the file's name.
    public var description: String {
        switch self {
        case .noWeights(let examples, let count, let nearest, let lacking):
            Self.noWeights(examples, count, nearest, lacking)
        case .unknownSelection(let path, let candidates):
            Self.unknownSelection(path, candidates)
        case .ambiguousScheme(let schemes, let path):
            "the names \(Self.place(path)) fit the schemes \(schemes.joined(separator: " and ")) equally well; "
                + "name one with --scheme"
        case .unsupported(let feature, let names):
            "the model has \(feature), which this one does not compute: "
                + NameFolding.fold(names).map(\.text).joined(separator: ", ")
        case .incomplete(let path, let scheme, let report):
            "the tensors \(Self.place(path)) (scheme \(scheme)) do not make up the model's parameters:\n"
                + report.description
        case .unwritable(let scheme, let parameters, let detail):
            "the scheme \(scheme) cannot hold this model: \(detail): "
                + NameFolding.fold(parameters).map(\.text).joined(separator: ", ")
        case .impossibleChange(let detail): detail
        case .noPattern(let detail): "no Vision Transformer is to be seen: \(detail)"
        case .invalidRule(let detail): detail
        }
    }

    private static func place(_ path: String) -> String { path.isEmpty ? "at the top" : "under '\(path)'" }

    private static func unknownSelection(_ path: String, _ candidates: [String]) -> String {
        var search = NearestName(among: candidates.filter { !$0.isEmpty })
        let hint = search.nearest(to: path).map { "; did you mean \($0)?" } ?? ""
        let places = candidates.map { $0.isEmpty ? "at the top" : "under '\($0)'" }.joined(separator: ", ")
        return "there are no weights of a model that is known under '\(path)'"
            + (hint.isEmpty ? "; they" : hint + " They") + " stand \(places)"
    }

    private static func noWeights(
        _ examples: [String], _ count: Int, _ nearest: String?, _ lacking: [String]
    ) -> String {
        guard count > 0 else { return "the file holds no tensors" }
        var text =
            "no known scheme's names: expected the weights of a Vision Transformer or of torch's Transformer, found \(count) "
        text += count == 1 ? "tensor" : "tensors"
        text += " such as " + examples.joined(separator: ", ")
        if let nearest, !lacking.isEmpty {
            text += "; the scheme \(nearest) comes nearest but lacks " + lacking.joined(separator: ", ")
        }
        return text
            + ". If it is one under names of its own, 'vit-convert suggest-rules FILE' drafts a table of them for "
            + "--rules"
    }
}
