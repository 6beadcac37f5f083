import TensorCore

/// Translates canonical parameters into a scheme's names and layouts: the table of a ``NamingScheme`` read
/// from right to left.
package struct SchemeWriter {
    /// The parameters that a row takes for one set of indices: one for each of its targets, or all that a
    /// counting placeholder runs through.
    private struct Group {
        let indices: [String: Int]
        var parameters: [(slot: Int, place: Int)] = []
    }

    private let scheme: NamingScheme
    private let parameters: [NamedTensor]
    private let names: [[UInt8]]
    private let lengths: [String: Int]
    private var isTaken: [Bool]
    private var written: [(place: Int, tensor: NamedTensor)] = []

    private init(_ scheme: NamingScheme, _ parameters: [NamedTensor], _ lengths: [String: Int]) {
        self.scheme = scheme
        self.parameters = parameters
        self.lengths = lengths
        names = parameters.map { NameTemplate.fold($0.name.utf8) }
        isTaken = [Bool](repeating: false, count: parameters.count)
    }

    /// The tensors of a model as a scheme names them, in the model's order.
    ///
    /// - Parameters:
    ///   - parameters: all parameters of a model, under canonical names.
    ///   - lengths: what layouts need and canonical shapes do not tell: `H`, the number of heads.
    /// - Throws: `MappingError.unwritable` naming the parameters that the scheme has no place for, or what its
    ///   models have and this one lacks.
    package static func write(
        _ parameters: [NamedTensor], in scheme: NamingScheme, lengths: [String: Int]
    ) throws(MappingError) -> [NamedTensor] {
        var writer = SchemeWriter(scheme, parameters, lengths)
        let hasHead = parameters.contains { $0.name == "head.weight" }
        let special = scheme.prefixes.first { writer.has($0.feature) }?.prefix
        let prefix = hasHead ? special ?? scheme.prefix : scheme.headlessPrefix
        for rule in scheme.rules { try writer.apply(rule, prefix: prefix) }
        let parent = CandidatePlace.parent(of: prefix) ?? ""
        for rule in scheme.outsideHead { try writer.apply(rule, prefix: parent) }
        let left = zip(parameters, writer.isTaken).filter { !$1 }.map(\.0.name)
        guard left.isEmpty else {
            throw .unwritable(scheme: scheme.name, parameters: left, detail: "it has no place for them")
        }
        let tensors = inOrder(of: scheme, writer.written)
        try proveRecognisable(tensors, prefix: prefix, in: scheme)
        return tensors
    }

    /// The tensors in the order in which the framework has them, else in the model's.
    private static func inOrder(
        of scheme: NamingScheme, _ written: [(place: Int, tensor: NamedTensor)]
    ) -> [NamedTensor] {
        let order = scheme.order
        // Where a run of templates with the same placeholder begins.
        var runs: [Int] = []
        for (index, template) in order.enumerated() {
            let isSame =
                index > 0 && !template.placeholders.isEmpty
                && template.placeholders == order[index - 1].placeholders
            runs.append(isSame ? runs[index - 1] : index)
        }
        let keyed = written.enumerated().map { offset, item in
            let name = NameTemplate.fold(item.tensor.name.utf8)
            for (index, template) in order.enumerated() {
                guard let indices = template.match(name) else { continue }
                let number = template.placeholders.first.flatMap { indices[$0] } ?? 0
                return (key: [runs[index], number, index], tensor: item.tensor)
            }
            return (key: [order.count, item.place, offset], tensor: item.tensor)
        }
        return keyed.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.tensor)
    }

    /// The names by which the scheme is told stand in all its models: without them it is none of its models.
    private static func proveRecognisable(
        _ tensors: [NamedTensor], prefix: String, in scheme: NamingScheme
    ) throws(MappingError) {
        let names = Set(tensors.map(\.name))
        let lacking = scheme.fingerprint.filter { name in
            scheme.ignoreReason(for: NameTemplate.fold(name.utf8)) == nil && !names.contains(prefix + name)
        }
        guard lacking.isEmpty else {
            throw .unwritable(
                scheme: scheme.name, parameters: lacking,
                detail: "it lacks what all models of the scheme have")
        }
    }

    private mutating func apply(_ rule: MappingRule, prefix: String) throws(MappingError) {
        guard holds(rule.condition) else { return }
        let counter = rule.targets.first.flatMap { target in
            rule.targets.count == 1
                ? target.placeholders.first { name in
                    !rule.sources.contains { $0.placeholders.contains(name) }
                } : nil
        }
        for group in groups(of: rule, counter: counter) {
            guard counter != nil || group.parameters.count == rule.targets.count else { continue }
            let places = group.parameters.sorted { $0.slot < $1.slot }.map(\.place)
            let tensors = places.map { parameters[$0].view }
            do {
                let reverted = try rule.revert(tensors, indices: group.indices, lengths: lengths)
                for (name, view) in reverted {
                    written.append((places[0], NamedTensor(prefix + name, view)))
                }
            } catch {
                let names = places.map { parameters[$0].name }
                throw .unwritable(scheme: scheme.name, parameters: names, detail: "\(error)")
            }
            for place in places { isTaken[place] = true }
        }
    }

    /// Which parameters without a place yet belong together, in the model's order.
    private func groups(of rule: MappingRule, counter: String?) -> [Group] {
        var groups: [Group] = []
        var places: [[String: Int]: Int] = [:]
        for (place, name) in names.enumerated() where !isTaken[place] {
            for (slot, template) in rule.targets.enumerated() {
                guard var indices = template.match(name) else { continue }
                let count = counter.flatMap { indices.removeValue(forKey: $0) }
                let index = places[indices] ?? groups.count
                if index == groups.count {
                    places[indices] = index
                    groups.append(Group(indices: indices))
                }
                groups[index].parameters.append((count ?? slot, place))
            }
        }
        return groups
    }

    private func holds(_ condition: MappingRule.Condition?) -> Bool {
        condition.map { has($0.feature) == $0.isPresent } ?? true
    }

    private func has(_ feature: MappingRule.Condition.Feature) -> Bool {
        switch feature {
        case .parameter(let template): names.contains { template.match($0) != nil }
        case .packedSwiGLU: hasPackedSwiGLU
        }
    }

    private var hasPackedSwiGLU: Bool {
        func shape(_ name: String) -> Shape? { parameters.first { $0.name == name }?.view.shape }
        guard let first = shape("blocks.0.mlp.fc1.weight"), let second = shape("blocks.0.mlp.fc2.weight"),
            first.rank == 2, second.rank == 2
        else { return false }
        return first[0] == 2 * second[1]
    }
}
