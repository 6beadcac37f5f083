import TensorCore

/// Translates the tensors of a checkpoint into canonical names and layouts, without knowing the model's size.
package struct Mapper {
    /// The sources that a row found for one set of indices.
    private struct Group {
        let rule: Int
        let indices: [String: Int]
        var sources: [Int?]
    }

    private let scheme: NamingScheme

    package init(scheme: NamingScheme) {
        self.scheme = scheme
    }

    /// Chooses the weights in a checkpoint and translates them.
    ///
    /// - Parameter select: a path that leads to the weights, where there are several.
    /// - Throws: `MappingError` when there are none, when the choice is unclear, or when the model computes
    ///   what ours does not. Tensors without a place are no error yet: see ``MappedModel/prove(_:)``.
    package static func map(
        _ tensors: [NamedTensor], select: String? = nil, schemes: [NamingScheme] = NamingScheme.all
    ) throws(MappingError) -> MappedModel {
        let choice = try CandidateFinder(tensors, schemes: schemes).choose(select: select)
        var model = try Mapper(scheme: choice.candidate.scheme).translate(choice.candidate)
        model.remarks = choice.remarks + model.remarks
        model.otherPlaces = choice.others
        return model
    }

    /// Translates the tensors of one place.
    package func translate(_ candidate: Candidate) throws(MappingError) -> MappedModel {
        try refuseUnsupported(candidate.members + candidate.outside)
        var model = MappedModel(scheme: scheme, path: candidate.path)
        translate(candidate.members, by: scheme.rules, beside: candidate.outside, into: &model)
        takeOutsideHead(candidate, into: &model)
        model.remarkIgnored()
        return model
    }

    private func refuseUnsupported(_ members: [Candidate.Member]) throws(MappingError) {
        for exemption in scheme.unsupported {
            if let companion = exemption.companion,
                !members.contains(where: { companion.match($0.name) != nil })
            {
                continue
            }
            let names = members.filter { exemption.template.match($0.name) != nil }.map(\.path)
            if !names.isEmpty { throw .unsupported(feature: exemption.reason, names: names) }
        }
    }

    /// The head that stands beside the prefix, when there is none behind it.
    private func takeOutsideHead(_ candidate: Candidate, into model: inout MappedModel) {
        let hasHead = model.tensors.contains { $0.name.hasPrefix("head") }
        var taken: [Candidate.Member] = []
        for member in candidate.outside {
            if let reason = scheme.ignoreReason(for: NameTemplate.fold(member.name.utf8)) {
                model.report.ignored.append(.init(name: member.path, reason: reason))
            } else if hasHead {
                model.report.ignored.append(
                    .init(name: member.path, reason: "the weights have their own head"))
            } else {
                taken.append(member)
            }
        }
        guard !taken.isEmpty else { return }
        translate(taken, by: scheme.outsideHead, into: &model)
        // Where the library itself has it there, nobody wonders.
        guard scheme.prefix.isEmpty else { return }
        let names = taken.map(\.path).joined(separator: ", ")
        model.remarks.append("the head stands beside '\(candidate.path)' and is taken from there: \(names)")
    }

    /// - Parameter others: tensors that the rules do not take, but may depend on.
    private func translate(
        _ members: [Candidate.Member], by rules: [MappingRule], beside others: [Candidate.Member] = [],
        into model: inout MappedModel
    ) {
        let names = members.map { NameTemplate.fold($0.name.utf8) }
        let present = names + others.map { NameTemplate.fold($0.name.utf8) }
        let held = rules.filter { $0.condition?.holds(forFile: present) ?? true }
        let (groups, matched) = groups(of: members, names, by: held)
        var used = [Bool](repeating: false, count: members.count)
        var notes: [Int: String] = [:]
        for group in groups {
            let rule = held[group.rule]
            let found = group.sources.compactMap { $0 }
            guard found.count == group.sources.count else {
                let lacking = zip(rule.sources, group.sources).filter { $1 == nil }
                    .compactMap { $0.0.fill(group.indices) }
                for source in found { notes[source] = "needs \(lacking.joined(separator: " and ")), too" }
                continue
            }
            for source in found { used[source] = true }
            apply(rule, group.indices, to: found.map { members[$0] }, into: &model)
        }
        for (index, member) in members.enumerated() where !used[index] {
            let reason = matched[index] ? nil : scheme.ignoreReason(for: names[index])
            if let reason {
                model.report.ignored.append(.init(name: member.path, reason: reason))
            } else {
                model.report.unexpected.append(.init(name: member.path, note: notes[index]))
            }
        }
    }

    /// Which tensors belong together, in the order in which their first stands in the file.
    private func groups(
        of members: [Candidate.Member], _ names: [[UInt8]], by rules: [MappingRule]
    ) -> (groups: [Group], matched: [Bool]) {
        struct Key: Hashable {
            let rule: Int
            let indices: [String: Int]
        }
        var places: [Key: Int] = [:]
        var groups: [Group] = []
        var matched = [Bool](repeating: false, count: members.count)
        // By index, for a rule or template in a variable is a copy, and counting its references took most of the time.
        for (index, member) in members.enumerated() {
            let rank = member.view.shape.rank
            for number in rules.indices where rules[number].rank ?? rank == rank {
                for slot in rules[number].sources.indices {
                    guard let indices = rules[number].sources[slot].match(names[index]) else { continue }
                    matched[index] = true
                    let key = Key(rule: number, indices: indices)
                    let place = places[key] ?? groups.count
                    if place == groups.count {
                        places[key] = place
                        let empty = [Int?](repeating: nil, count: rules[number].sources.count)
                        groups.append(Group(rule: number, indices: indices, sources: empty))
                    }
                    groups[place].sources[slot] = index
                }
            }
        }
        return (groups, matched)
    }

    private func apply(
        _ rule: MappingRule, _ indices: [String: Int], to members: [Candidate.Member],
        into model: inout MappedModel
    ) {
        let sources = members.map(\.path)
        let names = rule.targets.map { $0.fill(indices) ?? $0.pattern }.joined(separator: ", ")
        if let member = members.first(where: { !$0.view.dtype.isFloatingPoint }) {
            let detail = "expected real numbers with a fraction, found \(member.view.dtype.rawValue)"
            model.report.invalid.append(.init(name: names, sources: sources, detail: detail))
            return
        }
        do {
            let made = try rule.apply(to: members.map(\.view), indices: indices)
            model.learn(made.lengths)
            for (name, view) in made.tensors {
                model.add(MappedTensor(name: name, view: view, sources: sources, operations: made.steps))
            }
        } catch {
            model.report.invalid.append(.init(name: names, sources: sources, detail: "\(error)"))
        }
    }
}
