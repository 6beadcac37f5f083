import Parity
import TensorCore
import WeightMapping

extension CheckpointComparison: CustomStringConvertible {
    /// The comparison for people: the verdict, the two checkpoints, and a table by block.
    public var description: String { text(listsTensors: true) }

    /// The comparison for people. Blocks in a row that are identical share a line; below one that is not stand the
    /// tensors that differ, if asked for.
    package func text(listsTensors: Bool) -> String {
        let figures: [Figure] = listsTensors ? Figure.allCases : [.largest, .cosine]
        var rows: [Row] = []
        if tensors.contains(where: { $0.measure != nil }) {
            rows.append(Row(name: "", status: "", figures: figures.map(\.rawValue)))
        }
        let blocks = blocks
        for fold in Self.fold(blocks) {
            guard let place = fold.members.first else { continue }
            let block = blocks[place]
            let differing = block.tensors.filter { $0.status != .identical }
            if let only = differing.first, block.tensors.count == 1 {
                rows.append(Row(only, named: only.name, figures: figures))
                continue
            }
            var row = Row(name: fold.name, status: Self.summary(of: block.tensors))
            if fold.members.count > 1 { row.status += " each" }
            if !listsTensors, let largest = block.maxAbsolute, let cosine = block.minCosine {
                row.figures = [Digits.text(largest), Digits.text(cosine, places: 8)]
            }
            rows.append(row)
            if listsTensors { rows += differing.map { Row($0, named: "  " + $0.name, figures: figures) } }
        }
        let verdict = "\(isEqual ? "equal" : "DIFFERENT"): \(Self.summary(of: tensors))"
        return ([verdict, "A  \(a.text)", "B  \(b.text)"] + Row.lines(rows)).joined(separator: "\n")
    }

    /// `12 identical, 2 changed`; what differs most first.
    private static func summary(of tensors: [TensorDifference]) -> String {
        TensorDifference.Status.allCases.reversed().compactMap { status in
            let count = tensors.count { $0.status == status }
            guard count > 0 else { return nil }
            return tensors.count == 1 ? status.text : "\(count) \(status.text)"
        }.joined(separator: ", ")
    }

    /// Blocks that differ stand alone; identical ones with as many tensors fold as far as they follow one another.
    private static func fold(_ blocks: [Block]) -> [NameFolding.Fold] {
        var notes: [String] = []
        for (index, block) in blocks.enumerated() {
            let isIdentical = block.tensors.allSatisfy { $0.status == .identical }
            let continues =
                isIdentical && index > 0 && blocks[index - 1].tensors.count == block.tensors.count
                && blocks[index - 1].tensors.allSatisfy { $0.status == .identical }
            notes.append(continues ? notes[index - 1] : String(index))
        }
        return NameFolding.fold(blocks.map(\.name), notes: notes)
    }
}

extension CheckpointComparison.Side {
    fileprivate var text: String {
        [path, scheme ?? container.rawValue, dtype?.rawValue, model].compactMap { $0 }.joined(separator: "  ")
    }
}

extension TensorDifference.Status {
    /// The status in words.
    var text: String {
        switch self {
        case .identical: "identical"
        case .equalAfterCast: "equal after cast"
        case .withinTolerance: "within tolerance"
        case .resized: "resized"
        case .changed: "changed"
        case .missing: "missing"
        }
    }
}

/// A column of the table; raw values are its title.
private enum Figure: String, CaseIterable {
    case largest, relative, mean, cosine
    case count = "elements that differ"

    func text(_ tensor: TensorDifference, _ measure: DifferenceMeasure) -> String {
        switch self {
        case .largest: Digits.text(measure.maxAbsolute)
        case .relative: Digits.text(measure.maxRelative)
        case .mean: Digits.text(measure.meanAbsolute)
        case .cosine: Digits.text(measure.cosineSimilarity, places: 8)
        case .count: Self.counts(tensor, measure)
        }
    }

    private static func counts(_ tensor: TensorDifference, _ measure: DifferenceMeasure) -> String {
        guard let a = tensor.a, let b = tensor.b else { return "" }
        var text = "\(tensor.differingCount ?? 0) of \(a.elementCount)"
        if a.dtype != b.dtype { text += ", \(a.dtype.rawValue) against \(b.dtype.rawValue)" }
        if measure.nanMismatches > 0 { text += ", \(measure.nanMismatches) NaN against a number" }
        if measure.infiniteMismatches > 0 {
            text += ", \(measure.infiniteMismatches) infinite against another number"
        }
        return text
    }
}

/// A line of the table: figures stand in columns, a note after the status in their stead.
private struct Row {
    let name: String
    var status: String
    var figures: [String] = []
    var note = ""

    init(name: String, status: String, figures: [String] = []) {
        self.name = name
        self.status = status
        self.figures = figures
    }

    init(_ tensor: TensorDifference, named name: String, figures: [Figure]) {
        self.init(name: name, status: tensor.status.text)
        switch (tensor.a, tensor.b) {
        case (let a?, let b?):
            if tensor.status == .resized {
                note = "\(a.text) against \(b.text)"
            } else if let measure = tensor.measure {
                self.figures = figures.map { $0.text(tensor, measure) }
            } else if let count = tensor.differingCount {
                note = "\(count) of \(a.elementCount) elements differ"
            }
        case (let a?, nil): note = "from B; A has \(a.text)"
        case (nil, let b?): note = "from A; B has \(b.text)"
        case (nil, nil): break
        }
    }

    /// Columns as wide as they have to be, the last one ragged.
    static func lines(_ rows: [Row]) -> [String] {
        let names = rows.map(\.name.count).max() ?? 0
        let statuses = rows.filter { !$0.figures.isEmpty || !$0.note.isEmpty }.map(\.status.count).max() ?? 0
        let columns = rows.map(\.figures.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.figures.count ? $0.figures[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var cells = [padded(row.name, to: names), padded(row.status, to: statuses)]
            for (column, figure) in row.figures.enumerated() {
                cells.append(column < columns - 1 ? padded(figure, to: widths[column]) : figure)
            }
            if !row.note.isEmpty { cells.append(row.note) }
            let line = cells.joined(separator: "  ")
            return String(line.prefix(line.count - line.reversed().prefix { $0 == " " }.count))
        }
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension TensorDifference.Side {
    /// Type and shape.
    var text: String {
        "\(dtype.rawValue) [" + shape.map(String.init).joined(separator: ", ") + "]"
    }

    fileprivate var elementCount: Int {
        shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    }
}
