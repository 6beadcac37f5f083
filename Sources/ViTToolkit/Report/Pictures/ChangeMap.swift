import Parity
import TensorCore

/// The change of every parameter of a model's blocks: a row for each block, a column for each kind of parameter, in
/// colours on a logarithmic scale.
struct ChangeMap {
    /// The blocks that are counted, and the other parts of the model.
    private let series: [CheckpointComparison.Block]
    private let others: [CheckpointComparison.Block]
    private let kinds: [String]

    /// The steps of the scale: its decades, of which each has two colours.
    private static let decades = -7...0
    private static let steps = 16
    /// More columns than that are not the kinds of a block that repeats.
    private static let mostKinds = 48

    init(_ comparison: CheckpointComparison) {
        let blocks = comparison.blocks
        let counted = blocks.filter { $0.name.last?.isNumber ?? false }
        var kinds: [String] = []
        var known: Set<String> = []
        for block in counted {
            for tensor in block.tensors where known.insert(Self.kind(tensor, in: block)).inserted {
                kinds.append(Self.kind(tensor, in: block))
            }
        }
        let isRegular = !counted.isEmpty && kinds.count <= Self.mostKinds
        series = isRegular ? counted : []
        self.kinds = isRegular ? kinds : []
        others = isRegular ? blocks.filter { !($0.name.last?.isNumber ?? false) } : blocks
    }

    /// What of a tensor's name is the same in all blocks.
    private static func kind(_ tensor: TensorDifference, in block: CheckpointComparison.Block) -> String {
        let rest = tensor.name.dropFirst(block.name.count).drop { $0 == "." || $0 == "/" }
        return rest.isEmpty ? "itself" : String(rest)
    }

    var markup: Markup {
        let parts = [series.isEmpty ? nil : grid, others.isEmpty ? nil : rest].compactMap(\.self)
        return Self.legend + Markup(parts)
    }

    private var grid: Markup {
        let heads = kinds.map { kind -> Markup in
            // A line may end behind a dot.
            let words = kind.split(separator: ".", omittingEmptySubsequences: false).map {
                Markup(text: String($0))
            }
            return "<th scope=\"col\">\(Markup(words, separator: ".<wbr/>"))</th>"
        }
        let rows = series.map { block -> Markup in
            let tensors = Dictionary(
                block.tensors.map { (Self.kind($0, in: block), $0) }, uniquingKeysWith: { first, _ in first })
            let cells = kinds.map { kind in tensors[kind].map(Self.cell) ?? "<td></td>" }
            return "<tr><th scope=\"row\">\(block.name)</th>\(Markup(cells))</tr>\n"
        }
        return Self.table("Change of each block's parameters", head: Markup(heads), rows: rows)
    }

    private var rest: Markup {
        let rows = others.flatMap { block in
            block.tensors.map { "<tr><th scope=\"row\">\($0.name)</th>\(Self.cell($0))</tr>\n" as Markup }
        }
        return Self.table(
            series.isEmpty ? "Change of each parameter" : "Change of the other parameters",
            head: "<th scope=\"col\">Change</th>", rows: rows)
    }

    private static func table(_ caption: String, head: Markup, rows: [Markup]) -> Markup {
        """
        <div class="wide" tabindex="0" role="region" aria-label="\(caption)">
        <table class="heat"><caption>\(caption)</caption><thead><tr><td></td>\(head)</tr></thead>
        <tbody>
        \(Markup(rows))</tbody></table></div>

        """
    }

    private static func cell(_ tensor: TensorDifference) -> Markup {
        switch tensor.status {
        case .identical: return "<td class=\"same\">=</td>"
        case .resized: return "<td class=\"other\">resized</td>"
        case .missing: return "<td class=\"other\">only \(tensor.a == nil ? "B" : "A")</td>"
        case .equalAfterCast, .withinTolerance, .changed:
            guard let measure = tensor.measure else { return "<td class=\"other\">differs</td>" }
            let change = measure.relativeChange
            let mark = measure.nanMismatches + measure.infiniteMismatches > 0 ? " ≠" : ""
            return "<td class=\"c\(step(change))\">\(text(change) + mark)</td>"
        }
    }

    /// A digit and a decade: there is no room for more.
    private static func text(_ change: Double) -> String {
        guard change > 0, change.isFinite else { return change == 0 ? "0" : "∞" }
        var decade = Int(log10(change).rounded(.down))
        var digit = Int((change / pow(10, Double(decade))).rounded())
        if digit == 10 { (digit, decade) = (1, decade + 1) }
        return decade >= -2 && decade <= 2
            ? Quantity.short((change * 100).rounded() / 100) : "\(digit)e\(decade)"
    }

    private static func step(_ change: Double) -> Int {
        guard change > 0 else { return 0 }
        let place = (log10(change) - Double(decades.lowerBound)) / Double(decades.count - 1)
        return max(0, min(steps - 1, Int(max(0, min(1, place)) * Double(steps))))
    }

    private static var legend: Markup {
        """
        <p class="legend">1e\(decades.lowerBound) or less <span class="scale" role="img" aria-label="from dark blue to yellow">\
        </span> 1 or more; <span class="same">=</span> identical</p>

        """
    }
}
