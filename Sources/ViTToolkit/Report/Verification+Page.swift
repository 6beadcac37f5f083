import Parity
import TensorCore

extension Verification {
    /// What was found as a page that stands by itself, HTML without anything from the network: the verdict, the errors
    /// of all activations on a logarithmic axis, what explains them, and a table of all numbers.
    ///
    /// The same comparison gives the same bytes.
    ///
    /// - Parameters:
    ///   - prepared: the model that was verified.
    ///   - reference: the path of the reference.
    ///   - diagnosis: what was found of the cause, where it was looked for.
    public func page(of prepared: PreparedModel, reference: String, diagnosis: Diagnosis? = nil) -> String {
        let path = prepared.checkpoint.path
        let name = path.split(separator: "/").last.map(String.init) ?? path
        var sections = [summary(prepared, reference)]
        if let diagnosis { sections.append(diagnosis.section) }
        let entries = report.activations + [report.logits]
        sections.append(
            ReportPage.Section(
                title: "Errors, layer by layer",
                note: report.activations.isEmpty
                    ? "The reference holds no activations, so that only the output is compared."
                    : "In the order of execution. The tolerance of a tensor grows with its size.",
                content: ErrorChart(entries).markup))
        sections.append(table(entries))
        if !report.notCompared.isEmpty {
            sections.append(
                ReportPage.Section(
                    title: "Not compared", note: "The model does not put these out.",
                    content: ReportPage.list(report.notCompared.map { "<code>\($0)</code>" })))
        }
        return ReportPage(
            command: "verify", title: name,
            verdict: (
                report.firstDivergence.map { "parity fails, first at \($0)" } ?? "parity holds",
                report.passed ? .good : .bad
            ),
            figures: figures, sections: sections
        ).text
    }

    private var figures: [(value: String, label: String)] {
        let failed = report.activations.count { !$0.passed }
        let largest = report.activations.map(\.maxAbsoluteError).max()
        return [
            (Digits.text(report.logits.maxAbsoluteError), "largest error of the \(report.logits.name)"),
            largest.map { (Digits.text($0), "largest error of an activation") },
            report.top1Agreement.map { (Digits.percent($0), "top-1 agreement") },
            largest.map { _ in
                ("\(failed) of \(report.activations.count)", "activations outside the tolerance")
            },
        ].compactMap(\.self)
    }

    private func summary(_ prepared: PreparedModel, _ reference: String) -> ReportPage.Section {
        let logits = report.logits
        var facts: [(name: String, value: Markup)] = [
            ("model", "<code>\(prepared.checkpoint.path)</code><br/>\(prepared.summary)"),
            ("reference", "<code>\(reference)</code>"),
            (
                logits.name,
                """
                \(logits.shape.map(String.init).joined(separator: " × ")): largest error \
                \(Digits.text(logits.maxAbsoluteError)), largest relative \(Digits.text(logits.maxRelativeError)), root mean \
                square \(Digits.text(logits.rootMeanSquareError)), cosine \(Digits.text(logits.cosineSimilarity, places: 10))
                """
            ),
            (
                "tolerance",
                "\(Digits.text(logits.absoluteTolerance)) + \(Digits.text(logits.relativeTolerance)) · |b|, b being the reference"
            ),
        ]
        if let message = logits.message { facts.append(("not compared", "\(message)")) }
        facts += [(1, report.top1Agreement), (5, report.top5Agreement)].compactMap { number, share in
            share.map { ("top-\(number) agreement", "\(Digits.percent($0))") }
        }
        facts += (prepared.remarks + remarks).map { ("remark", "\($0)") }
        return ReportPage.Section(title: "Summary", content: ReportPage.facts(facts))
    }

    private func table(_ entries: [TensorComparison]) -> ReportPage.Section {
        let table = ReportTable(
            id: "activations", caption: "Every tensor that was compared", noun: ("tensor", "tensors"),
            columns: [.init(title: "Name"), .init(title: "Verdict"), .init(title: "Shape", isNumeric: true)]
                + [
                    "Largest error", "Allowed", "Largest relative", "Root mean square", "Cosine",
                    "Elements outside",
                ].map { .init(title: $0, isNumeric: true) },
            rows: entries.map(\.cells),
            rowClasses: Dictionary(
                uniqueKeysWithValues: entries.enumerated().filter { !$1.passed }.map { ($0.offset, "bad") }))
        return ReportPage.Section(title: "Activations", content: table.markup)
    }
}

extension TensorComparison {
    fileprivate var cells: [ReportTable.Cell] {
        let text = shape.map(String.init).joined(separator: " × ")
        let count = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        let verdict: Markup = passed ? "ok" : message.map { "<b>fails</b>: \($0)" } ?? "<b>fails</b>"
        return [
            .init("<code>\(name)</code>"), .init(verdict), .init("\(text)", key: String(count)),
            .error(maxAbsoluteError), .error(absoluteTolerance), .error(maxRelativeError),
            .error(rootMeanSquareError), .cosine(cosineSimilarity),
            .init("\(failures)"),
        ]
    }
}

extension Diagnosis {
    fileprivate var section: ReportPage.Section {
        let verdict =
            switch (findings.isEmpty, isComplete) {
            case (false, true): "These explain the difference"
            case (false, false): "These explain a part of the difference"
            case (true, true): "Nothing usual would come nearer"
            case (true, false): "No usual cause explains the difference"
            }
        let items = findings.map { finding -> Markup in
            let remedy: Markup =
                finding.flag.map { "add <code>\($0)</code>" } ?? finding.advice.map { "\($0)" } ?? ""
            return """
                <b>\(finding.cause.rawValue)</b> \(finding.message): largest error \(Digits.text(finding.errorBefore)) → \
                \(Digits.text(finding.errorAfter)), first seen in <code>\(finding.firstDivergence)</code>; \(remedy)
                """
        }
        return ReportPage.Section(
            title: "Diagnosis", note: "\(verdict); \(trialCount) variants of the model were tried.",
            content: items.isEmpty && suspicions.isEmpty
                ? "" : ReportPage.list(items + suspicions.map { "\($0)" }))
    }
}
