import TensorCore

extension MappingRule {
    private static let mostNames = 64
    private static let mostOperations = 16

    /// One row of a rules file.
    ///
    /// - Throws: `MappingError.invalidRule` that names the row and the key.
    init(rules value: JSONValue, at place: String) throws(MappingError) {
        let row = try RulesObject(
            value, at: place, keys: ["from", "to", "operations", "rank", "assuming", "where", "note"])
        let sources = try Self.names("from", of: row)
        let targets = try Self.names("to", of: row)
        var operations: [TensorOperation] = []
        for (value, place) in try row.elements("operations", atMost: Self.mostOperations) {
            operations.append(try TensorOperation(rules: value, at: place))
        }
        _ = try row.string("note")
        self.init(
            sources, to: targets, operations, rank: try row.integer("rank", in: 1...8),
            assuming: try Self.lengths(row), where: try Self.condition(row))
        try provePlaceholders(row)
        try proveTargets(row)
        try proveCounts(row)
    }

    /// One name or a list of them.
    private static func names(_ key: String, of row: RulesObject) throws(MappingError) -> [NameTemplate] {
        let value = try row.required(key)
        let place = row.place(of: key)
        guard value.array != nil else { return [try NameTemplate(rules: value, at: place)] }
        var names: [NameTemplate] = []
        for (value, place) in try RulesObject.elements(value, atMost: mostNames, at: place) {
            let name = try NameTemplate(rules: value, at: place)
            guard !names.contains(where: { $0.foldedPieces == name.foldedPieces }) else {
                throw RulesObject.error("\(RulesObject.quoted(name.pattern)) stands here twice", at: place)
            }
            names.append(name)
        }
        guard !names.isEmpty else { throw RulesObject.error("expected a name or several", at: place) }
        return names
    }

    private static func lengths(_ row: RulesObject) throws(MappingError) -> [String: Int] {
        guard let value = row["assuming"] else { return [:] }
        let place = row.place(of: "assuming")
        guard let members = value.members, members.count <= 16 else {
            throw RulesObject.unexpected(value, "lengths by their names", at: place)
        }
        var lengths: [String: Int] = [:]
        for member in members {
            lengths[member.key] = try RulesObject.integer(
                member.value, in: 1...1 << 20, at: "\(place).\(member.key)")
        }
        return lengths
    }

    private static func condition(_ row: RulesObject) throws(MappingError) -> Condition? {
        guard let value = row["where"] else { return nil }
        let object = try RulesObject(
            value, at: row.place(of: "where"), keys: ["with", "without", "model"])
        guard (object["with"] == nil) != (object["without"] == nil) else {
            throw RulesObject.error("expected either \"with\" or \"without\"", at: object.place)
        }
        let key = object["with"] == nil ? "without" : "with"
        let source = try NameTemplate(rules: try object.required(key), at: object.place(of: key))
        let feature = try Condition.Feature(
            rules: try object.required("model"), at: object.place(of: "model"))
        return Condition(source, feature, isPresent: key == "with")
    }

    // MARK: What a row must hold to be of use both ways

    private func provePlaceholders(_ row: RulesObject) throws(MappingError) {
        for (key, names) in [("from", sources), ("to", targets)] {
            if let name = names.first(where: { $0.fill(standingFor: 0).isEmpty || $0.hasAnything }) {
                throw RulesObject.error(
                    "\(RulesObject.quoted(name.pattern)) stands for any text, so that the way back has no "
                        + "name to write; write the whole name", at: row.place(of: key))
            }
        }
        let common = Set(sources.first?.placeholders ?? [])
        guard sources.allSatisfy({ Set($0.placeholders) == common }) else {
            throw RulesObject.error(
                "the names do not all have the same placeholders, so they never come together",
                at: row.place(of: "from"))
        }
        for target in targets {
            let free = target.placeholders.filter { !common.contains($0) }
            guard free.count <= (targets.count == 1 ? 1 : 0) else {
                throw RulesObject.error(
                    "no name in \"from\" tells {\(free.joined(separator: "}, {"))} of "
                        + RulesObject.quoted(target.pattern), at: row.place(of: "to"))
            }
            let lost = common.subtracting(target.placeholders)
            // One number more (DINOv2's chunks of blocks) is 0 in what is written.
            let isChunked = lost.count == 1 && sources.count == 1 && !target.placeholders.isEmpty
            guard lost.isEmpty || isChunked else {
                let lost = lost.sorted().joined(separator: "}, {")
                throw RulesObject.error(
                    "\(RulesObject.quoted(target.pattern)) lacks {\(lost)}, which the names in \"from\" have",
                    at: row.place(of: "to"))
            }
        }
    }

    private func proveTargets(_ row: RulesObject) throws(MappingError) {
        for target in targets { try target.proveCanonical(at: row.place(of: "to")) }
    }

    /// Follows how many tensors there are from step to step; nil once only the shapes can tell.
    private func proveCounts(_ row: RulesObject) throws(MappingError) {
        var count: Int? = sources.count
        for (index, operation) in operations.enumerated() {
            let place = row.place(of: "operations[\(index)]")
            if let wanted = operation.wantedCount(of: count), wanted != count {
                throw RulesObject.error(
                    "it takes \(wanted) \(wanted == 1 ? "tensor" : "tensors"), but there \(count == 1 ? "is" : "are") "
                        + "\(count ?? 0) at this step", at: place)
            }
            guard operation.isPossible(with: count) else {
                throw RulesObject.error("there is no such place among \(count ?? 0) tensors", at: place)
            }
            count = operation.count(after: count)
        }
        let isCounted =
            targets.count == 1 && !Set(targets[0].placeholders).isSubset(of: sources[0].placeholders)
        if isCounted, count == 1 {
            throw RulesObject.error(
                "nothing tells the number in \(RulesObject.quoted(targets[0].pattern)): \"from\" has none, and "
                    + "the operations make one tensor", at: row.place(of: "to"))
        }
        if let count, !isCounted, count != targets.count {
            throw RulesObject.error(
                "\(sources.count) names in \"from\" and the operations make \(count), but \"to\" has "
                    + "\(targets.count)", at: row.place)
        }
    }
}

extension TensorOperation {
    /// How many tensors the step takes, where it is not free.
    fileprivate func wantedCount(of count: Int?) -> Int? {
        guard count != nil else { return nil }
        return switch self {
        case .concatenate(_, let ratios): ratios.count
        case .split, .select: 1
        default: nil
        }
    }

    fileprivate func isPossible(with count: Int?) -> Bool {
        guard let count else { return true }
        return switch self {
        case .insertZeros(let place): place <= count && count > 0
        case .removeZeros(let place): place < count && count > 1
        default: true
        }
    }

    fileprivate func count(after count: Int?) -> Int? {
        switch self {
        case .transpose, .reshape: count
        case .concatenate, .stack: 1
        case .split(_, let ratios): ratios.count
        case .select: nil
        case .insertZeros: count.map { $0 + 1 }
        case .removeZeros: count.map { $0 - 1 }
        }
    }
}
