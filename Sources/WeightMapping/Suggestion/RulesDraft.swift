import TensorCore

/// A naming scheme drawn up from names and shapes, to be read by a person before it is used.
package struct RulesDraft: Sendable {
    /// A row, and what is doubtful about it.
    package struct Row: Sendable {
        package let rule: MappingRule
        package let note: String?
    }

    /// A tensor that found no place.
    package struct Unplaced: Sendable {
        /// Its name, a block's number as a placeholder.
        package let name: String
        package let shape: [Int]
        /// What it might be.
        package let guess: String
    }

    /// The rows of the scheme, in the model's order.
    package let rows: [Row]
    /// The scheme.
    package let scheme: NamingScheme
    package let unplaced: [Unplaced]
    /// What holds for the table as a whole.
    package let note: String
    /// What the user should hear.
    package let remarks: [String]

    /// The draft as a rules file; notes and unplaced tensors are read over.
    package var json: JSONValue {
        let members = (scheme.rulesJSON.members ?? []).map { member in
            guard member.key == "rows" else { return member }
            return JSONValue.Member(
                "rows",
                .array(
                    rows.map { row in
                        var members = row.rule.rulesJSON.members ?? []
                        if let note = row.note { members.append(.init("note", .string(note))) }
                        return .object(members)
                    }))
        }
        let head = members.prefix(2) + [JSONValue.Member("note", .string(note))] + members.dropFirst(2)
        guard !unplaced.isEmpty else { return .object(Array(head)) }
        let list = unplaced.map { tensor in
            JSONValue.object([
                "name": .string(tensor.name), "shape": .integers(tensor.shape),
                "guess": .string(tensor.guess),
            ])
        }
        return .object(head + [.init("unplaced", .array(list))])
    }
}
