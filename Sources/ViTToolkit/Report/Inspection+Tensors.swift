import TensorCore

extension Inspection {
    /// Every tensor that is listed, with what was computed of it.
    var table: ReportPage.Section {
        let hasValues = entries.contains { $0.statistics != nil }
        let hasDigests = entries.contains { $0.sha256 != nil }
        var columns: [ReportTable.Column] = [
            .init(title: "Name"), .init(title: "Type"), .init(title: "Shape", isNumeric: true),
            .init(title: "Bytes", isNumeric: true),
        ]
        if hasValues {
            columns.append(.init(title: "Histogram", isSortable: false))
            columns += ["Min", "Max", "Mean", "Std", "Zeros", "NaN, Inf"].map {
                .init(title: $0, isNumeric: true)
            }
        }
        if hasDigests { columns.append(.init(title: "SHA-256")) }
        let table = ReportTable(
            id: "tensors", caption: "Every tensor of the file", noun: ("tensor", "tensors"), columns: columns,
            of: entries, row: { row($0, hasValues: hasValues, hasDigests: hasDigests) })
        let left = checkpoint.tensors.count - entries.count
        return ReportPage.Section(
            title: "Tensors",
            note: (left > 0 ? "\(left) tensors that do not match the filter are left out. " : "")
                + (hasValues
                    ? "A histogram has \(TensorHistogram.binCount) bins between the smallest and the largest element."
                    : ""),
            content: table.markup)
    }

    private func row(_ entry: Entry, hasValues: Bool, hasDigests: Bool) -> [ReportTable.Cell] {
        let view = entry.tensor.view
        let shape = view.shape.dimensions.map(String.init).joined(separator: " × ")
        var cells: [ReportTable.Cell] = [
            .init("<code>\(entry.tensor.name)</code>"), .init("\(view.dtype.rawValue)"),
            .init("\(shape.isEmpty ? "scalar" : shape)", key: String(view.shape.elementCount)),
            .init("\(Quantity.bytes(view.byteCount))", key: String(view.byteCount)),
        ]
        if hasValues {
            cells.append(.init(entry.histogram.map(\.markup) ?? ""))
            if let statistics = entry.statistics {
                let count = view.shape.elementCount
                let others = statistics.notANumberCount + statistics.infiniteCount
                cells += [
                    statistics.minimum, statistics.maximum, statistics.mean, statistics.standardDeviation,
                ].map { .init($0) }
                cells.append(.init(statistics.zeroCount, of: count))
                cells.append(
                    others == 0
                        ? .init("0", key: "0")
                        : .init(
                            "<b>\(statistics.notANumberCount), \(statistics.infiniteCount)</b>",
                            key: String(others)))
            } else {
                cells += (0..<6).map { _ in .init("") }
            }
        }
        if hasDigests { cells.append(.init("<code>\(entry.sha256 ?? "")</code>")) }
        return cells
    }
}

extension ReportTable.Cell {
    /// A number of elements as a share of all.
    fileprivate init(_ part: Int, of whole: Int) {
        let share = Double(part) / Double(max(1, whole)) * 100
        self.init(part == 0 ? "0" : "\(Quantity.short(share)) %", key: String(part))
    }
}
