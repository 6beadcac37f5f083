import Parity
import TensorCore

/// The errors of activations in the order of execution, on a logarithmic axis.
struct ErrorChart {
    private let entries: [TensorComparison]
    /// The decades at the lower and the upper edge.
    private let decades: ClosedRange<Int>
    private let plot: (left: Double, top: Double, right: Double, bottom: Double)
    private let size: (width: Double, height: Double)

    /// - Parameter entries: the activations and the logits, in order.
    init(_ entries: [TensorComparison]) {
        self.entries = entries
        let values = entries.flatMap {
            [$0.maxAbsoluteError, $0.rootMeanSquareError, $0.absoluteTolerance]
        }.filter { $0 > 0 && $0.isFinite }
        let low = Int(log10(values.min() ?? 1e-9).rounded(.down))
        let high = Int(log10(values.max() ?? 1).rounded(.up))
        decades = max(low, -18)...min(max(high, max(low, -18) + 1), 40)
        let count = Double(entries.count)
        size = (max(480, min(1160, 240 + count * 36), count * 8), 320)
        plot = (56, 16, size.width - 16, size.height - 52)
    }

    var markup: Markup {
        """
        <div class="wide" tabindex="0" role="region" aria-label="Errors of activations">
        <svg class="chart" width="\(Self.text(size.width))" height="\(Self.text(size.height))" \
        viewBox="0 0 \(Self.text(size.width)) \(Self.text(size.height))" role="img" \
        aria-label="Errors in the order of execution, on a logarithmic axis; the table below has the numbers">
        \(blocks)\(axis)\(tolerance)\(divergence)\(Markup(entries.enumerated().map(point)))</svg></div>
        <ul class="legend"><li><svg width="12" height="12" aria-hidden="true"><circle class="max" cx="6" cy="6" r="4"/></svg> \
        largest error</li><li><svg width="12" height="12" aria-hidden="true"><path class="bad" \
        d="M2 2l8 8M10 2l-8 8"/></svg> the same, outside the tolerance</li>\
        <li><svg width="12" height="12" aria-hidden="true"><circle class="rms" cx="6" cy="6" r="2.5"/></svg> root mean \
        square</li><li><svg width="16" height="12" aria-hidden="true"><path class="allowed" d="M0 6h16"/></svg> absolute \
        part of the tolerance</li></ul>

        """
    }

    // MARK: Places

    private func x(_ number: Int) -> Double {
        plot.left + (Double(number) + 0.5) / Double(max(1, entries.count)) * (plot.right - plot.left)
    }

    /// Zero lies on the lower edge, what is infinite on the upper.
    private func y(_ value: Double) -> Double {
        let (low, high) = (Double(decades.lowerBound), Double(decades.upperBound))
        let place = value > 0 ? min(high, max(low, log10(value))) : low
        return plot.bottom - (place - low) / (high - low) * (plot.bottom - plot.top)
    }

    /// To a tenth of a pixel.
    private static func text(_ value: Double) -> String {
        let rounded = (value * 10).rounded() / 10
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }

    // MARK: Parts

    private var axis: Markup {
        let step = max(1, (decades.count + 9) / 10)
        return Markup(
            stride(from: decades.lowerBound, through: decades.upperBound, by: step).map { decade in
                let y = Self.text(y(pow(10, Double(decade))))
                return """
                    <path class="grid" d="M\(Self.text(plot.left)) \(y)H\(Self.text(plot.right))"/>\
                    <text x="\(Self.text(plot.left - 6))" y="\(y)" class="end">1e\(decade)</text>

                    """
            })
    }

    /// A run of activations of one part of the model.
    private struct Part {
        let name: String
        let left: Double
        var width: Double

        var middle: Double { left + width / 2 }
        /// About as far as its name reaches.
        var label: ClosedRange<Double> {
            let half = Double(name.count) * 3.4 + 4
            return middle - half...middle + half
        }
    }

    private var parts: [Part] {
        let step = (plot.right - plot.left) / Double(max(1, entries.count))
        var parts: [Part] = []
        for (number, entry) in entries.enumerated() {
            let name = TensorDifference.block(of: entry.name)
            if parts.last?.name == name {
                parts[parts.count - 1].width += step
            } else {
                parts.append(Part(name: name, left: plot.left + Double(number) * step, width: step))
            }
        }
        return parts
    }

    /// Stripes with the names of the parts, those of the longer ones first as long as there is room.
    private var blocks: Markup {
        let parts = parts
        var labelled: [Part] = []
        for part in parts.sorted(by: { ($1.width, $0.left) < ($0.width, $1.left) })
        where part.label.lowerBound > 0 && part.label.upperBound < size.width
            && !labelled.contains(where: { $0.label.overlaps(part.label) })
        {
            labelled.append(part)
        }
        let stripes = parts.enumerated().filter { $0.offset % 2 == 0 }.map { _, part -> Markup in
            """
            <rect class="stripe" x="\(Self.text(part.left))" y="\(Self.text(plot.top))" \
            width="\(Self.text(part.width))" height="\(Self.text(plot.bottom - plot.top))"/>

            """
        }
        let names = labelled.map { part -> Markup in
            """
            <text x="\(Self.text(part.middle))" y="\(Self.text(plot.bottom + 18))" class="middle">\(part.name)</text>

            """
        }
        return Markup(stripes + names)
    }

    private var tolerance: Markup {
        var path = ""
        for (number, entry) in entries.enumerated() where entry.absoluteTolerance > 0 {
            let step = (plot.right - plot.left) / Double(entries.count)
            path +=
                "M\(Self.text(plot.left + Double(number) * step)) \(Self.text(y(entry.absoluteTolerance)))"
            path += "h\(Self.text(step))"
        }
        return path.isEmpty ? "" : "<path class=\"allowed\" d=\"\(path)\"/>\n"
    }

    private var divergence: Markup {
        guard let number = entries.firstIndex(where: { !$0.passed }) else { return "" }
        let x = x(number)
        let isRight = x > size.width / 2
        return """
            <path class="first" d="M\(Self.text(x)) \(Self.text(plot.top))V\(Self.text(plot.bottom + 6))"/>\
            <text x="\(Self.text(x + (isRight ? -6 : 6)))" y="\(Self.text(plot.bottom + 38))" \
            class="bad\(isRight ? " end" : "")">first: \(entries[number].name)</text>

            """
    }

    private func point(_ number: Int, _ entry: TensorComparison) -> Markup {
        let (x, y, rms) = (x(number), y(entry.maxAbsoluteError), y(entry.rootMeanSquareError))
        let mark: Markup =
            entry.passed
            ? "<circle class=\"max\" cx=\"\(Self.text(x))\" cy=\"\(Self.text(y))\" r=\"3\"/>"
            : "<path class=\"bad\" d=\"M\(Self.text(x - 3.5)) \(Self.text(y - 3.5))l7 7m0-7l-7 7\"/>"
        return """
            <circle class="rms" cx="\(Self.text(x))" cy="\(Self.text(rms))" r="1.8"/>\(mark)

            """
    }
}
