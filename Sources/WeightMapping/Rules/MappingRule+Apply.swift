import TensorCore

extension MappingRule {
    /// What the row makes of tensors that its sources matched.
    ///
    /// - Parameters:
    ///   - tensors: one for each of ``sources``.
    ///   - indices: the values of the sources' placeholders.
    /// - Returns: the canonical tensors, the steps in words, and the lengths that the sources' shapes tell.
    func apply(to tensors: [TensorView], indices: [String: Int]) throws -> Application {
        var lengths: [String: Int] = [:]
        let (views, steps) = try Self.run(operations, on: tensors, known: assuming, learning: &lengths)
        let names = try Self.names(targets, indices, count: views.count)
        return Application(tensors: Array(zip(names, views)), steps: steps, lengths: lengths)
    }

    /// What ``apply(to:indices:)`` made.
    struct Application {
        let tensors: [(name: String, view: TensorView)]
        let steps: [String]
        let lengths: [String: Int]
    }

    /// The way back: what the row makes of canonical tensors, under the file's names.
    ///
    /// - Parameter lengths: the model's lengths that layouts need (`heads`, say).
    func revert(
        _ tensors: [TensorView], indices: [String: Int], lengths: [String: Int] = [:]
    ) throws -> [(name: String, view: TensorView)] {
        let steps = operations.reversed().map(\.inverse)
        var learned: [String: Int] = [:]
        let known = assuming.merging(lengths) { $1 }
        let (views, _) = try Self.run(steps, on: tensors, known: known, learning: &learned)
        return Array(zip(try Self.names(sources, indices, count: views.count), views))
    }

    /// - Parameters:
    ///   - known: lengths that shapes do not tell.
    ///   - learned: lengths that the steps' shapes told; later steps build on them.
    private static func run(
        _ operations: [TensorOperation], on tensors: [TensorView], known: [String: Int],
        learning learned: inout [String: Int]
    ) throws -> ([TensorView], [String]) {
        var tensors = tensors
        var steps: [String] = []
        for operation in operations {
            let outcome = try operation.apply(to: tensors, lengths: known.merging(learned) { $1 })
            tensors = outcome.tensors
            if let step = outcome.description { steps.append(step) }
            learned.merge(outcome.lengths) { first, _ in first }
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
