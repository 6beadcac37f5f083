import TensorCore

extension MappingReport: CustomStringConvertible {
    /// The report for people: a paragraph for each finding, names that differ in their numbers folded into one.
    public var description: String {
        var lines: [String] = []
        Self.write(
            "missing", missing.map { ($0.name, $0.nearest.map(Self.withoutNumbers) ?? "") }, to: &lines
        ) { members in
            let nearest = members.compactMap { missing[$0].nearest }
            guard !nearest.isEmpty else { return "" }
            return "nearest found: " + NameFolding.fold(nearest).map(\.name).joined(separator: ", ")
        }
        Self.write(
            "unexpected", unexpected.map { ($0.name, $0.note.map(Self.withoutNumbers) ?? "") }, to: &lines
        ) { members in
            let notes = members.compactMap { unexpected[$0].note }
            return NameFolding.fold(notes).map(\.name).joined(separator: ", ")
        }
        Self.write(
            "of another shape", mismatched.map { ($0.name, "\($0.expected) \($0.found)") }, to: &lines
        ) { members in
            guard let first = members.first.map({ mismatched[$0] }) else { return "" }
            return "expected \(first.expected), found \(first.found)"
        }
        Self.write("filled more than once", duplicates.map { ($0.name, "") }, to: &lines) { members in
            let sources = members.flatMap { duplicates[$0].sources }
            return "by " + NameFolding.fold(sources).map(\.name).joined(separator: ", ")
        }
        Self.write("not usable", invalid.map { ($0.name, $0.detail) }, to: &lines) {
            $0.first.map { invalid[$0].detail } ?? ""
        }
        Self.write("left out", ignored.map { ($0.name, $0.reason) }, to: &lines) {
            $0.first.map { ignored[$0].reason } ?? ""
        }
        return lines.joined(separator: "\n")
    }

    private static func write(
        _ title: String, _ rows: [(name: String, note: String)], to lines: inout [String],
        _ detail: ([Int]) -> String
    ) {
        guard !rows.isEmpty else { return }
        lines.append("\(title) (\(rows.count)):")
        let folds = NameFolding.fold(rows.map(\.name), notes: rows.map(\.note))
        let width = min(48, folds.map(\.text.count).max() ?? 0)
        for fold in folds {
            let text = detail(fold.members)
            let padding = String(repeating: " ", count: max(0, width - fold.text.count))
            lines.append("  " + fold.text + (text.isEmpty ? "" : padding + "  " + text))
        }
    }

    /// A name without its digits, so that notes that differ in a block's number fold together.
    private static func withoutNumbers(_ name: String) -> String {
        String(name.filter { !$0.isWholeNumber })
    }
}

extension MappingReport {
    /// The report for programs; the shape is part of the command's interface.
    package var json: JSONValue {
        .object([
            "complete": .bool(isComplete),
            "missing": .array(
                missing.map {
                    .object(["name": .string($0.name), "nearest": $0.nearest.map { .string($0) }])
                }),
            "unexpected": .array(
                unexpected.map { .object(["name": .string($0.name), "note": $0.note.map { .string($0) }]) }),
            "mismatched": .array(
                mismatched.map {
                    .object([
                        "name": .string($0.name), "expected": .integers($0.expected),
                        "found": .integers($0.found), "sources": .strings($0.sources),
                    ])
                }),
            "duplicates": .array(
                duplicates.map { .object(["name": .string($0.name), "sources": .strings($0.sources)]) }),
            "invalid": .array(
                invalid.map {
                    .object([
                        "name": .string($0.name), "sources": .strings($0.sources),
                        "detail": .string($0.detail),
                    ])
                }),
            "ignored": .array(
                ignored.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
        ])
    }
}
