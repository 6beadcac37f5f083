import Checkpoints
import Layers
import TensorCore
import ViT

extension Inspection {
    /// What was found as a page that stands by itself, HTML without anything from the network: a table of all tensors,
    /// with their ranges and histograms where those were computed, the model as blocks, and of a Vision Transformer the
    /// similarity of its positions and the principal components of its patch projection.
    ///
    /// The same file gives the same bytes.
    ///
    /// - Throws: `CheckpointError` when a tensor cannot be read.
    public func page() throws -> String {
        let title = checkpoint.path.split(separator: "/").last.map(String.init) ?? checkpoint.path
        let count = findings.count
        var sections = [summary]
        if !findings.isEmpty { sections.append(findingsSection) }
        if let security = try securitySection() { sections.append(security) }
        sections.append(drawing)
        if let pictures = try pictures() { sections.append(pictures) }
        sections.append(table)
        if !checkpoint.others.isEmpty { sections.append(others) }
        return ReportPage(
            command: "inspect", title: title,
            verdict: (
                count == 0 ? "nothing wrong was found" : "\(count) finding\(count == 1 ? "" : "s")",
                count == 0 ? .good : .bad
            ),
            figures: figures, sections: sections
        ).text
    }

    private var figures: [(value: String, label: String)] {
        let tensors = checkpoint.tensors
        let elements =
            model.map { $0.modelConfiguration.parameters.elementCount }
            ?? tensors.reduce(0) { $0 &+ $1.view.shape.elementCount }
        return [
            (ElementCount.rounded(elements), model == nil ? "elements" : "parameters"),
            (Quantity.bytes(checkpoint.fileSize), checkpoint.container.rawValue),
            ("\(tensors.count)", tensors.count == 1 ? "tensor" : "tensors"),
            (typeNames.joined(separator: " "), "type\(typeNames.count == 1 ? "" : "s")"),
        ]
    }

    /// The types of elements, with how many tensors have each; the most frequent first.
    private var typeCounts: [(dtype: DType, count: Int)] {
        DType.allCases.map { dtype in
            (dtype, checkpoint.tensors.count { $0.view.dtype == dtype })
        }.filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }
    }

    private var typeNames: [String] { typeCounts.prefix(3).map(\.dtype.rawValue) }

    // MARK: Sections

    private var summary: ReportPage.Section {
        var facts: [(name: String, value: Markup)] = [
            ("file", "<code>\(checkpoint.path)</code>"), ("container", "\(checkpoint.container.rawValue)"),
            ("size", "\(Quantity.bytes(checkpoint.fileSize)) (\(checkpoint.fileSize) bytes)"),
        ]
        if let sha256 { facts.append(("SHA-256", "<code>\(sha256)</code>")) }
        if let scheme { facts.append(("naming scheme", "\(scheme)")) }
        facts.append(("model", model.map { "\($0.summary)" } ?? "\(modelProblem ?? "none that is known")"))
        let types = typeCounts.map { "\($0.dtype.rawValue) in \($0.count)" }
        facts.append(("types", "\(types.joined(separator: ", "))"))
        for entry in checkpoint.metadata where entry.value.utf8.count <= 200 {
            facts.append((entry.key, "\(entry.value)"))
        }
        facts += (model?.remarks ?? checkpoint.remarks).map { ("remark", "\($0)") }
        return ReportPage.Section(title: "Summary", content: ReportPage.facts(facts))
    }

    private var findingsSection: ReportPage.Section {
        ReportPage.Section(
            title: "Findings",
            content: ReportPage.list(findings.map { "<b>\($0.kind.rawValue)</b> \("\($0)")" }))
    }

    private func securitySection() throws -> ReportPage.Section? {
        guard let report = try SecurityReport(unlessPlain: checkpoint) else { return nil }
        let examples = [SecurityVerdict.dangerous, .foreign].flatMap { verdict in
            report.examples(of: verdict).map { "<b>\(verdict.rawValue)</b> <code>\($0)</code>" as Markup }
        }
        let problem: [Markup] = report.problem.map { ["<b>stopped</b> \($0)"] } ?? []
        return ReportPage.Section(
            title: "Loading it in Python",
            note: report.summary + ". Nothing of it was run here.",
            content: ReportPage.list(problem + examples))
    }

    private var drawing: ReportPage.Section {
        var tensors =
            model.map { $0.parameters.map { ($0.name, $0.view) } }
            ?? checkpoint.tensors.map { ($0.name, $0.view) }
        // Images come in there; in the model's order tokens that are added to theirs stand before it.
        let entrance = tensors.filter { $0.0.hasPrefix("patch_embed.") }
        tensors = entrance + tensors.filter { !$0.0.hasPrefix("patch_embed.") }
        let drawing = ModelDrawing(
            tensors.map { name, view in
                ModelDrawing.Tensor(name: name, shape: view.shape.dimensions, byteCount: view.byteCount)
            })
        return ReportPage.Section(
            title: model == nil ? "Tensors by name" : "The model",
            note: "The area of a rectangle is the number of elements: "
                + (model == nil
                    ? "its rows are the first axis, its columns the others."
                    : "rows are outputs, columns inputs."),
            content: drawing.markup(isFlow: model != nil))
    }

    private var others: ReportPage.Section {
        let table = ReportTable(
            id: "others", caption: "What is in the file beside tensors", noun: ("entry", "entries"),
            columns: [.init(title: "Name"), .init(title: "Type"), .init(title: "Value")],
            of: checkpoint.others,
            row: { [.init("<code>\($0.name)</code>"), .init("\($0.type)"), .init("\($0.value ?? "")")] })
        return ReportPage.Section(title: "Beside the tensors", content: table.markup)
    }
}
