extension DraftLayer {
    /// Rows for a linear map; a bias only where there is one.
    func linear(to target: String, isTransposed: Bool, note: String? = nil) -> [RulesDraft.Row] {
        var steps: [TensorOperation] = []
        if weight.shape.count == 2, isTransposed { steps = [.transpose([1, 0])] }
        return rows(to: target, steps, biasSteps: [], note: note)
    }

    /// Rows for a weight and a bias with the steps that each needs.
    func rows(
        to target: String, _ steps: [TensorOperation], biasSteps: [TensorOperation], note: String?
    ) -> [RulesDraft.Row] {
        let note = note ?? (isGuessed ? "weight and bias are told by their order in the file" : nil)
        var rows: [RulesDraft.Row] = []
        if let name = try? NameTemplate(parsing: "\(target).weight") {
            rows.append(.init(rule: MappingRule([weight.name], to: [name], steps), note: note))
        }
        if let bias, let name = try? NameTemplate(parsing: "\(target).bias") {
            rows.append(.init(rule: MappingRule([bias.name], to: [name], biasSteps), note: note))
        }
        return rows
    }

    /// A row for a parameter that is a single tensor.
    func row(to target: String, _ steps: [TensorOperation] = [], note: String? = nil) -> [RulesDraft.Row] {
        guard let name = try? NameTemplate(parsing: target) else { return [] }
        return [.init(rule: MappingRule([weight.name], to: [name], steps), note: note)]
    }

    /// How many leading words two stems share.
    func kinship(with other: DraftLayer?) -> Int {
        guard let other else { return 0 }
        let words = [stem, other.stem].map { $0.split { $0 == "." || $0 == "/" } }
        return zip(words[0], words[1]).prefix { $0 == $1 }.count
    }
}

/// Two or more layers that stand for different things, put into the order of what they stand for.
enum DraftOrder {
    /// Tells which of several layers is which by words that not all of them have.
    ///
    /// - Parameter hints: for each place of the result the words that mean it.
    /// - Returns: nil when a place is left without its word, or two claim one.
    static func byWords(_ layers: [DraftLayer], _ hints: [Set<String>]) -> [DraftLayer]? {
        guard layers.count == hints.count, let first = layers.first else { return nil }
        let common = layers.reduce(Set(first.words)) { $0.intersection($1.words) }
        var result: [DraftLayer] = []
        var left = layers
        for words in hints {
            let matches = left.filter { !words.isDisjoint(with: Set($0.words).subtracting(common)) }
            guard matches.count == 1 else { return nil }
            result += matches
            left.removeAll { $0 == matches[0] }
        }
        return result
    }

    /// Sorts layers whose names differ in their numbers only.
    static func byNumbers(_ layers: [DraftLayer]) -> [DraftLayer]? {
        let texts = layers.map { $0.words.filter { Int($0) == nil } }
        let numbers = layers.map { $0.words.compactMap { Int($0) } }
        guard Set(texts).count == 1, Set(numbers).count == layers.count else { return nil }
        return zip(layers, numbers).sorted { $0.1.lexicographicallyPrecedes($1.1) }.map(\.0)
    }

    static func byFile(_ layers: [DraftLayer]) -> [DraftLayer] {
        layers.sorted { $0.weight.order < $1.weight.order }
    }
}
