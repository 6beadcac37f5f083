import Checkpoints
import TensorCore
import WeightMapping

/// One of the two checkpoints of a comparison: its tensors under the names by which they are compared.
///
/// In contrast to a ``PreparedModel`` nothing has to be whole: what is missing is what a comparison shall find.
struct ComparisonSide {
    let checkpoint: Checkpoint
    /// The naming scheme; nil when tensors keep the file's names.
    let scheme: String?
    /// The model, where it can be told.
    let configuration: (any ModelConfiguration)?
    /// Each name once.
    let tensors: [MappedTensor]
    let remarks: [String]
    private let dtype: DType?

    /// Understands both checkpoints, or, where one of them is no model that is known, takes both by their files' names.
    ///
    /// - Throws: the mapping's error when there is no name in common either.
    static func pair(
        _ a: Checkpoint, _ optionsOfA: ModelOptions, _ b: Checkpoint, _ optionsOfB: ModelOptions
    ) throws -> (a: ComparisonSide, b: ComparisonSide, remarks: [String]) {
        let sides = [(a, optionsOfA), (b, optionsOfB)].map { checkpoint, options in
            Result { try ToolkitError.inFile(checkpoint.path) { try understood(checkpoint, options) } }
        }
        if case (.success(let left), .success(let right)) = (sides[0], sides[1]) { return (left, right, []) }
        var reasons: [String] = []
        for side in sides {
            guard case .failure(let error) = side else { continue }
            guard isNoModel(error) else { throw error }
            reasons.append("\(error)")
        }
        let plain = (
            ComparisonSide(namesOf: a, below: optionsOfA.select),
            ComparisonSide(namesOf: b, below: optionsOfB.select)
        )
        guard !Set(plain.0.tensors.map(\.name)).isDisjoint(with: plain.1.tensors.map(\.name)) else {
            return (try sides[0].get(), try sides[1].get(), [])
        }
        return (plain.0, plain.1, reasons + ["tensors are compared by the names and layouts of the files"])
    }

    /// A scheme that the user names need be that of one side only; the other is told by its own names then.
    private static func understood(_ checkpoint: Checkpoint, _ options: ModelOptions) throws -> ComparisonSide
    {
        do {
            return try ComparisonSide(checkpoint, options)
        } catch MappingError.noWeights where options.scheme != nil || options.rules != nil {
            var options = options
            (options.scheme, options.rules) = (nil, nil)
            return try ComparisonSide(checkpoint, options)
        }
    }

    private init(_ checkpoint: Checkpoint, _ options: ModelOptions) throws {
        let mapped = try PreparedModel.mapped(checkpoint, options)
        var remarks =
            checkpoint.remarks + (try checkpoint.safetyRemarks(refusingDanger: false)) + mapped.remarks
        do {
            let (found, guesses) = try PreparedModel.configuration(of: mapped, in: checkpoint, options)
            configuration = found
            remarks += guesses
            let expected = found.parameters.map { ($0.name, $0.shape) }
            let missing = mapped.report(against: expected).missing.map(\.name)
            if !missing.isEmpty { remarks.append("no tensor makes " + Self.folded(missing)) }
        } catch MappingError.incomplete {
            configuration = nil
            remarks.append("the tensors are no whole model, so that its configuration is not known")
        } catch {
            configuration = nil
            remarks.append("the configuration is not compared: \(error)")
        }
        if !mapped.leftover.isEmpty {
            remarks.append(
                "without a place in the model, compared by the file's names: " + Self.folded(mapped.leftover))
        }
        for duplicate in mapped.report.duplicates {
            remarks.append(
                "\(duplicate.name) is filled more than once, the first is compared: "
                    + duplicate.sources.joined(separator: ", "))
        }
        self.checkpoint = checkpoint
        scheme = mapped.scheme.name
        tensors = Self.unique(mapped.tensors + Self.leftover(of: mapped, in: checkpoint))
        dtype = mapped.dominantDType
        self.remarks = remarks
    }

    private init(namesOf checkpoint: Checkpoint, below path: String?) {
        let prefix = path.map { $0.isEmpty ? "" : $0 + "." } ?? ""
        self.checkpoint = checkpoint
        (scheme, configuration, dtype) = (nil, nil, nil)
        tensors = Self.unique(
            checkpoint.tensors.filter { $0.name.hasPrefix(prefix) }.map {
                MappedTensor(
                    name: String($0.name.dropFirst(prefix.count)), view: $0.view, sources: [$0.name])
            })
        remarks = checkpoint.remarks
    }

    /// What the report's user sees of it.
    var summary: CheckpointComparison.Side {
        CheckpointComparison.Side(
            path: checkpoint.path, container: checkpoint.container, scheme: scheme,
            model: configuration?.summary, dtype: dtype)
    }

    /// The tensors that no rule could use, under their names behind the place of the weights.
    private static func leftover(of mapped: MappedModel, in checkpoint: Checkpoint) -> [MappedTensor] {
        let wanted = Set(mapped.leftover)
        guard !wanted.isEmpty else { return [] }
        let prefix = mapped.path.isEmpty ? "" : mapped.path + "."
        return checkpoint.tensors.filter { wanted.contains($0.name) }.map { tensor in
            let name = tensor.name.hasPrefix(prefix) ? tensor.name.dropFirst(prefix.count) : tensor.name[...]
            return MappedTensor(name: String(name), view: tensor.view, sources: [tensor.name])
        }
    }

    private static func unique(_ tensors: [MappedTensor]) -> [MappedTensor] {
        var seen: Set<String> = []
        return tensors.filter { seen.insert($0.name).inserted }
    }

    private static func folded(_ names: [String]) -> String {
        let folds = NameFolding.fold(names)
        let shown = folds.prefix(8).map(\.text).joined(separator: ", ")
        return folds.count > 8 ? "\(shown) and \(folds.count - 8) more" : shown
    }

    /// Whether an error says that the tensors are none that the model knows, and not that the user's choice is unclear.
    private static func isNoModel(_ error: any Error) -> Bool {
        guard case ToolkitError.inFile(_, let inner as MappingError) = error else { return false }
        return switch inner {
        case .noWeights, .unsupported: true
        default: false
        }
    }
}
