import Parity

extension Diagnosis: CustomStringConvertible {
    /// The diagnosis for people: each cause with what it does to the error, where it shows and what to add.
    public var description: String {
        let trials = "\(trialCount) variants of the model tried"
        var lines: [String]
        switch (findings.isEmpty, isComplete) {
        case (false, true):
            lines = [
                "diagnosis: \(findings.count == 1 ? "one cause" : "\(findings.count) causes"), \(trials)"
            ]
        case (false, false): lines = ["diagnosis: explained in part, \(trials)"]
        case (true, true): return "diagnosis: nothing usual would come nearer, \(trials)"
        case (true, false): lines = ["diagnosis: no usual cause explains the difference, \(trials)"]
        }
        for finding in findings {
            lines.append("  " + finding.line)
            lines.append("    first seen in  \(finding.firstDivergence)")
            lines.append("    \(finding.flag == nil ? "what to do   " : "add          ")  \(finding.remedy)")
        }
        lines += suspicions.map { "  " + $0 }
        return lines.joined(separator: "\n")
    }
}

extension Diagnosis.Finding {
    /// The cause and what putting it right does.
    private var change: String { "\(Digits.text(errorBefore)) → \(Digits.text(errorAfter))" }

    fileprivate var line: String { "\(cause.rawValue): \(message): largest error \(change)" }

    fileprivate var remedy: String { flag ?? advice ?? "" }
}
