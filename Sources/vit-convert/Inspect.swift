import ArgumentParser
import ViTToolkit

struct Inspect: ParsableCommand, Talking {
    static let configuration = CommandConfiguration(
        abstract: "Show what is in a checkpoint, without executing anything in it.",
        discussion: """
            --security shows in place of the tensors what the file would do when loaded in Python: every global that a \
            pickle names, as known (makes plain data or tensors), foreign (Python would import and build it) or \
            dangerous (runs code, reaches the system, imports or evaluates); the calls with their arguments; bytes and \
            members that belong to nothing. The exit code is 1 when something is dangerous, 2 when a part of the file \
            cannot be looked through.

            Of a file on a web server (https:// or http://) only the directory and the pickle are fetched, by ranges; all \
            of it for --digest and --statistics.

            At the end stand findings: what is wrong with the file, and what to do. --statistics reads all values for \
            them, too, --digest compares the digest with the one in the name.

            --report writes a page that stands by itself: the model as blocks, histogram and range of each tensor in a \
            table that can be sorted and searched, what position embeddings and patch filters look like. It reads all \
            values, as --statistics does.

            EXAMPLES
              vit-convert inspect model.pth
              vit-convert inspect model.pth --tree
              vit-convert inspect model.safetensors --filter '*.attn.*' --statistics
              vit-convert inspect vit_b_16-c867db91.pth --digest --json
              vit-convert inspect downloaded.pth --security
              vit-convert inspect model.pth --report model.html
              vit-convert inspect *.pth models/*.safetensors --json
              vit-convert inspect https://example.org/model.safetensors
            """)

    @Argument(
        help: "The checkpoint, or several; shell patterns in quotes are filled in.", completion: .file())
    var files: [String]

    @Flag(help: "Show names as a tree, with blocks that are alike folded into one.")
    var tree = false

    @Option(help: ArgumentHelp("List only tensors whose names match this shell pattern.", valueName: "glob"))
    var filter: String?

    @Flag(help: "Compute the SHA-256 of the file and of each tensor.")
    var digest = false

    @Flag(help: "Compute minimum, maximum, mean, standard deviation, and counts of NaN, Inf and zero.")
    var statistics = false

    @Flag(help: "Show what the file would run when loaded in Python, and what in it is hidden.")
    var security = false

    @OptionGroup var report: ReportArguments

    @OptionGroup var model: ModelArguments

    @OptionGroup var talk: TalkArguments

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if security, tree || filter != nil || digest || statistics || report.path != nil {
            throw ValidationError("--security lists no tensors; --json is the only flag that goes with it.")
        }
    }

    func run() throws {
        if security { return try Inputs(files).report(asJSON: json, safety) }
        let inputs = Inputs(files)
        try report.prove(inputs)
        try inputs.report(asJSON: json, unreadable: Inspection.json, contents)
    }

    private var readsValues: Bool { statistics || report.path != nil }

    private func contents(of path: String) throws -> Outcome {
        var options = InspectionOptions()
        options.computesDigests = digest
        options.computesStatistics = readsValues
        options.computesHistograms = report.path != nil
        options.filter = filter
        options.model = try model.options()
        let checkpoint = try Streams.checkpoint(path, digest || readsValues ? .whole : .ranges)
        let page = try report.file(about: [checkpoint], reading: model.files)
        let inspection = try inspect(checkpoint, options: options)
        try page?.write(try inspection.page())
        Standard.remark([inspection.remark(onFilter: filter)].compactMap { $0 })
        return Outcome(json: { inspection.json }, text: { text(of: inspection) })
    }

    private func safety(of path: String) throws -> Outcome {
        let report = try Streams.security(path)
        let name = WebAddress.shown(path)
        let code: Int32 = report.verdict == .dangerous ? 1 : report.problem != nil ? 2 : 0
        return Outcome(
            json: { .object(["file": .string(name), "security": report.json]) },
            text: {
                report.sections.map { heading, rows in
                    let table = Text.table(heading == nil ? [["file", name]] + rows : rows)
                    return heading.map { $0 + "\n" + table } ?? table
                }.joined(separator: "\n\n")
            }, code: code)
    }

    private func text(of inspection: Inspection) -> String {
        let checkpoint = inspection.checkpoint
        var facts = [
            ["file", checkpoint.path], ["container", checkpoint.container.rawValue],
            ["size", Text.bytes(checkpoint.fileSize)],
        ]
        if let sha256 = inspection.sha256 {
            facts.append(["sha256", sha256])
            switch inspection.nameCheck {
            case .matches(let digits): facts.append(["", "begins with \(digits), as the file's name says"])
            case .differs(let digits):
                facts.append(["", "DOES NOT begin with \(digits), as the file's name says it should"])
            case nil: break
            }
        }
        if let scheme = inspection.scheme { facts.append(["scheme", scheme]) }
        if let model = inspection.model {
            facts.append(["model", model.summary])
            facts += model.remarks.map { ["remark", $0] }
        } else {
            facts += checkpoint.remarks.map { ["remark", $0] }
            facts.append(["model", inspection.scheme == nil ? "none that is known" : "unclear: see below"])
        }
        for entry in checkpoint.metadata
        where entry.key != "provenance" && !entry.key.hasSuffix(".configuration") {
            let isLong = entry.value.utf8.count > 200
            facts.append([entry.key, isLong ? "\(entry.value.utf8.count) bytes of text" : entry.value])
        }
        let count = inspection.entries.count
        let all = checkpoint.tensors.count
        facts.append(["tensors", count == all ? "\(all)" : "\(count) of \(all)"])
        var parts = [Text.table(facts)]
        if let problem = inspection.modelProblem, !checkpoint.tensors.isEmpty {
            parts.append(Text.prose(problem))
        }
        if count > 0 {
            parts.append(
                tree
                    ? KeyTree(inspection.entries.map(\.tensor)).lines.joined(separator: "\n")
                    : table(inspection.entries))
        }
        if !checkpoint.others.isEmpty {
            let rows = checkpoint.others.map { ["  " + $0.name, $0.type, $0.value ?? ""] }
            parts.append("beside the tensors:\n" + Text.table(rows))
        }
        if !checkpoint.globals.isEmpty {
            parts.append(
                "Python globals named, none of them imported:\n  "
                    + checkpoint.globals.joined(separator: "\n  "))
        }
        parts.append(Text.prose(findings(of: inspection)))
        return parts.joined(separator: "\n\n")
    }

    private func findings(of inspection: Inspection) -> String {
        var lines = inspection.findings.map { "  \($0.kind.rawValue): \($0)" }
        lines.insert(lines.isEmpty ? "findings: none" : "findings:", at: 0)
        if !readsValues {
            lines.append(
                "values were not read: --statistics looks for NaN, infinities, constants, values near overflow"
            )
        }
        return lines.joined(separator: "\n")
    }

    private func table(_ entries: [Inspection.Entry]) -> String {
        let largest = entries.map(\.tensor.view.byteCount).max() ?? 0
        // What other programs take apart stays as it is.
        let showsSizes = Terminal.output.width != nil && !digest && !statistics
        return Text.table(
            entries.map { entry in
                let view = entry.tensor.view
                var row = [entry.tensor.name, view.dtype.rawValue, view.shape.description]
                if showsSizes {
                    row.append(Text.right(Text.bytes(view.byteCount), 9))
                    row.append(Text.bar(Double(view.byteCount) / Double(max(1, largest)), of: 12))
                }
                if let statistics = entry.statistics {
                    row.append("min \(Text.short(statistics.minimum))")
                    row.append("max \(Text.short(statistics.maximum))")
                    row.append("mean \(Text.short(statistics.mean))")
                    row.append("std \(Text.short(statistics.standardDeviation))")
                    row.append(
                        "NaN \(statistics.notANumberCount), Inf \(statistics.infiniteCount), "
                            + "zero \(statistics.zeroCount)")
                }
                if let sha256 = entry.sha256 { row.append(sha256) }
                return row
            })
    }
}
