import TensorCore

/// One row of a naming scheme: which tensors of a file make up which parameters of the model.
///
/// A table serves both ways. The first row that names a target is the one by which a scheme is written; later
/// rows for the same target are other spellings that are read.
package struct MappingRule: Sendable, Hashable {
    /// The names in the file, in the order in which the operations take them.
    package let sources: [NameTemplate]
    /// The canonical names, in the order in which the operations leave them. A placeholder that no source has
    /// counts the tensors that the last operation left.
    package let targets: [NameTemplate]
    /// The steps from sources to targets.
    package let operations: [TensorOperation]
    /// The row holds only for sources with so many axes; nil for any.
    package let rank: Int?
    /// Lengths to assume where neither shapes nor the model tell them.
    package let assuming: [String: Int]

    package init(
        _ sources: [NameTemplate], to targets: [NameTemplate], _ operations: [TensorOperation] = [],
        rank: Int? = nil, assuming: [String: Int] = [:]
    ) {
        self.sources = sources
        self.targets = targets
        self.operations = operations
        self.rank = rank
        self.assuming = assuming
    }

    package init(
        _ source: NameTemplate, to target: NameTemplate, _ operations: TensorOperation..., rank: Int? = nil,
        assuming: [String: Int] = [:]
    ) {
        self.init([source], to: [target], operations, rank: rank, assuming: assuming)
    }

    /// A parameter that has the same name and layout in the file.
    package static func same(_ name: NameTemplate) -> MappingRule { MappingRule(name, to: name) }

    /// The weight and the bias of a layer that torch's names are used for in the file, too.
    package static func layer(_ source: String, to target: String? = nil) -> [MappingRule] {
        ["weight", "bias"].map { part in
            MappingRule(
                NameTemplate(stringLiteral: "\(source).\(part)"),
                to: NameTemplate(stringLiteral: "\(target ?? source).\(part)"))
        }
    }
}

extension MappingRule {
    /// What the row makes of tensors that its sources matched.
    ///
    /// - Parameters:
    ///   - tensors: one for each of ``sources``.
    ///   - indices: the values of the sources' placeholders.
    /// - Returns: the canonical tensors, and the steps in words.
    func apply(
        to tensors: [TensorView], indices: [String: Int], lengths: [String: Int] = [:]
    ) throws -> (tensors: [(name: String, view: TensorView)], steps: [String]) {
        let (views, steps) = try Self.run(operations, on: tensors, lengths: assuming.merging(lengths) { $1 })
        return (Array(zip(try Self.names(targets, indices, count: views.count), views)), steps)
    }

    /// The way back: what the row makes of canonical tensors, under the file's names.
    ///
    /// - Parameter lengths: the model's lengths that layouts need (`heads`, say).
    func revert(
        _ tensors: [TensorView], indices: [String: Int], lengths: [String: Int] = [:]
    ) throws -> [(name: String, view: TensorView)] {
        let steps = operations.reversed().map(\.inverse)
        let (views, _) = try Self.run(steps, on: tensors, lengths: assuming.merging(lengths) { $1 })
        return Array(zip(try Self.names(sources, indices, count: views.count), views))
    }

    private static func run(
        _ operations: [TensorOperation], on tensors: [TensorView], lengths: [String: Int]
    ) throws -> ([TensorView], [String]) {
        var tensors = tensors
        var steps: [String] = []
        for operation in operations {
            let outcome = try operation.apply(to: tensors, lengths: lengths)
            tensors = outcome.tensors
            if let step = outcome.description { steps.append(step) }
        }
        return (tensors, steps)
    }

    /// The names of `count` tensors: the templates filled, or one template counted through.
    private static func names(
        _ templates: [NameTemplate], _ indices: [String: Int], count: Int
    ) throws(TensorError) -> [String] {
        var names: [String] = []
        if let template = templates.first, templates.count == 1,
            let counter = template.placeholders.first(where: { indices[$0] == nil })
        {
            for index in 0..<count {
                if let name = template.fill(indices.merging([counter: index]) { $1 }) { names.append(name) }
            }
        } else {
            names = templates.compactMap { $0.fill(indices) }
        }
        guard names.count == count else {
            throw .incompatible("\(count) tensors do not fill \(names.count) names")
        }
        return names
    }
}
