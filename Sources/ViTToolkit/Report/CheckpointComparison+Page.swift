import Parity
import TensorCore

extension CheckpointComparison {
    /// What was found as a page that stands by itself, HTML without anything from the network: the verdict, a map of the
    /// change of every block's parameters, and a table of all that differs.
    ///
    /// The same comparison gives the same bytes.
    public func page() -> String {
        let differing = tensors.filter { $0.status != .identical }
        var sections = [
            summary,
            ReportPage.Section(
                title: "Change by block",
                note: "‖a − b‖ / ‖b‖, on a logarithmic scale.", content: ChangeMap(self).markup),
        ]
        if !configuration.isEmpty { sections.append(configurationSection) }
        let missing = differing.filter { $0.status == .missing }
        if !missing.isEmpty { sections.append(Self.missingSection(missing)) }
        if !differing.isEmpty { sections.append(Self.table(differing)) }
        let names = [a, b].map { $0.path.split(separator: "/").last.map(String.init) ?? $0.path }
        return ReportPage(
            command: "compare", title: names.joined(separator: " ↔ "),
            verdict: (isEqual ? "equal" : "different", isEqual ? .good : .bad),
            figures: TensorDifference.Status.allCases.compactMap { status in
                let count = tensors.count { $0.status == status }
                return count > 0 ? ("\(count)", status.text) : nil
            }, sections: sections
        ).text
    }

    private var summary: ReportPage.Section {
        var facts: [(name: String, value: Markup)] = []
        for (name, side) in [("A", a), ("B", b)] {
            let words = [side.container.rawValue, side.scheme, side.dtype?.rawValue, side.model]
            facts.append(
                (name, "<code>\(side.path)</code><br/>\(words.compactMap(\.self).joined(separator: ", "))"))
        }
        if options.allowsCast { facts.append(("allowed", "other types of the same values")) }
        if options.absolute > 0 || options.relative > 0 {
            facts.append(
                (
                    "tolerance",
                    "\(Quantity.short(options.absolute)) + \(Quantity.short(options.relative)) · |b|"
                ))
        }
        facts += remarks.map { ("remark", "\($0)") }
        return ReportPage.Section(title: "Summary", content: ReportPage.facts(facts))
    }

    private var configurationSection: ReportPage.Section {
        let rows = configuration.map { entry -> [ReportTable.Cell] in
            [
                .init("\(entry.key)"), .init("\(entry.a?.compact ?? "")"), .init("\(entry.b?.compact ?? "")"),
            ]
        }
        let table = ReportTable(
            id: "configuration", caption: "What the models compute otherwise",
            noun: ("property", "properties"),
            columns: [.init(title: "Property"), .init(title: "A"), .init(title: "B")], rows: rows)
        return ReportPage.Section(
            title: "Configuration", note: "Beside the parameters; it does not count.", content: table.markup)
    }

    private static func missingSection(_ missing: [TensorDifference]) -> ReportPage.Section {
        ReportPage.Section(
            title: "On one side only",
            content: ReportPage.list(
                missing.map { tensor in
                    "<code>\(tensor.name)</code> only in \(tensor.a == nil ? "B" : "A"): \((tensor.a ?? tensor.b)?.text ?? "")"
                }))
    }

    private static func table(_ tensors: [TensorDifference]) -> ReportPage.Section {
        let table = ReportTable(
            id: "tensors", caption: "Every parameter that is not identical",
            noun: ("parameter", "parameters"),
            columns: [.init(title: "Name"), .init(title: "Status"), .init(title: "Type and shape")]
                + [
                    "‖a − b‖ / ‖b‖", "Largest", "Largest relative", "Mean", "Cosine", "Elements that differ",
                    "NaN, Inf",
                ].map { .init(title: $0, isNumeric: true) },
            of: tensors, row: \.cells)
        return ReportPage.Section(title: "Parameters that differ", content: table.markup)
    }
}

extension TensorDifference {
    /// What is the same on both sides stands once.
    private var typesAndShapes: String {
        guard let a, let b else { return (a ?? b)?.text ?? "" }
        if a.shape != b.shape { return "\(a.text) against \(b.text)" }
        return (a.dtype == b.dtype ? "" : "\(a.dtype.rawValue) against ") + b.text
    }

    fileprivate var cells: [ReportTable.Cell] {
        let mismatches = measure.map { $0.nanMismatches + $0.infiniteMismatches }
        return [
            .init("<code>\(name)</code>"), .init("\(status.text)"), .init("\(typesAndShapes)"),
            .error(measure?.relativeChange), .error(measure?.maxAbsolute), .error(measure?.maxRelative),
            .error(measure?.meanAbsolute), .cosine(measure?.cosineSimilarity),
            .init(differingCount.map { "\($0)" } ?? ""), .init(mismatches.map { "\($0)" } ?? ""),
        ]
    }
}
