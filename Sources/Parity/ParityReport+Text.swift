import TensorCore

extension ParityReport: CustomStringConvertible {
    /// The report for people: the logits' figures, then the activations: a line for each when one of them is
    /// outside tolerance, else the one with the largest error.
    public var description: String { text() }

    /// The report for people.
    ///
    /// - Parameter bar: draws a share of a whole, 0…1, in the same width for all; beside each activation then stands its
    ///   error, on a logarithmic scale from 1e-9 to 1, also when all are within tolerance and they are not too many.
    package func text(bar: ((Double) -> String)? = nil) -> String {
        var lines = ["parity \(passed ? "holds" : "FAILS"): \(logits.name) \(Shape.text(logits.shape))"]
        if let message = logits.message {
            lines.append("  " + message)
        } else {
            lines += figures
        }
        if let first = firstDivergence { lines.append("  first divergence    \(first)") }
        if !activations.isEmpty { lines += table(bar) }
        if !notCompared.isEmpty {
            let names = notCompared.prefix(6).joined(separator: ", ") + (notCompared.count > 6 ? ", …" : "")
            lines.append("not compared (\(notCompared.count), the model does not put them out): \(names)")
        }
        return lines.joined(separator: "\n")
    }

    private var figures: [String] {
        var rows: [(String, String)] = [
            ("largest error", logits.errorText + " of " + logits.toleranceText),
            ("largest relative", Digits.text(logits.maxRelativeError)),
            ("root mean square", Digits.text(logits.rootMeanSquareError)),
            ("cosine", Digits.text(logits.cosineSimilarity, places: 10)),
        ]
        for (number, share) in [(1, top1Agreement), (5, top5Agreement)] {
            if let share { rows.append(("top-\(number) agreement", Digits.percent(share))) }
        }
        return rows.map { "  " + $0.padded(to: 20) + $1 } + (logits.passed ? [] : ["  " + logits.worstText])
    }

    /// A screen's worth: of more, it is enough to know that all are within tolerance.
    private static let mostThatHold = 20

    private func table(_ bar: ((Double) -> String)?) -> [String] {
        let width = min(48, activations.map(\.name.count).max() ?? 0)
        let failed = activations.count { !$0.passed }
        let verdict = failed == 0 ? "all within tolerance" : "\(failed) outside tolerance"
        var lines = ["activations (\(activations.count) compared, \(verdict))\(failed == 0 ? "" : ":")"]
        let farthest = activations.max { $0.maxAbsoluteError < $1.maxAbsoluteError }
        if failed == 0, let farthest {
            lines[0] += ", largest error \(Digits.text(farthest.maxAbsoluteError)) in \(farthest.name)"
            guard bar != nil, activations.count <= Self.mostThatHold else { return lines }
            lines[0] += ":"
        }
        for activation in activations {
            var line = "  \(activation.passed ? "ok  " : "FAIL")  \(activation.name.padded(to: width))  "
            if let bar { line += bar(1 + activation.maxAbsoluteError.logarithm / 9) + "  " }
            line += activation.message ?? (activation.errorText + " of " + activation.toleranceText)
            lines.append(line)
        }
        return lines
    }
}

extension Double {
    /// To the base of ten; far below everything for 0.
    fileprivate var logarithm: Double { self > 0 ? log10(self) : -300 }
}

extension TensorComparison {
    fileprivate var errorText: String { Digits.text(maxAbsoluteError).padded(to: 9) }

    fileprivate var toleranceText: String {
        "\(Digits.text(absoluteTolerance)) + \(Digits.text(relativeTolerance))·|b|"
    }

    /// Where the worst element stands and what it holds on either side.
    fileprivate var worstText: String {
        guard let worst else { return "" }
        let share = "\(failures) of \(shape.reduce(1, *)) elements outside tolerance"
        let nan = notNumbers > 0 ? ", \(notNumbers) of them no number" : ""
        return "\(share)\(nan), worst at \(Shape.text(worst.index)): computed \(worst.computed), "
            + "reference \(worst.reference)"
    }
}

extension Shape {
    fileprivate static func text(_ numbers: [Int]) -> String {
        "[" + numbers.map(String.init).joined(separator: ", ") + "]"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
