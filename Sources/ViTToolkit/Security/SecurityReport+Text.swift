import Checkpoints

extension SecurityReport {
    /// The rows of the report's tables, each under a heading; the first has none.
    package var sections: [(heading: String?, rows: [[String]])] {
        var sections: [(heading: String?, rows: [[String]])] = [(nil, [["security", summary]])]
        if let problem { sections[0].rows.append(["stopped", problem]) }
        if !globals.isEmpty {
            sections.append(
                (
                    "Python globals named, none of them imported:",
                    globals.map { global in
                        [
                            "  " + global.verdict.rawValue,
                            EscapedText.plain("\(global.module).\(global.name)"),
                            "\(global.count)×", global.reason,
                        ]
                    }
                ))
        }
        if !calls.isEmpty {
            var rows = shownCalls.map {
                ["  " + $0.verdict.rawValue, $0.opcode, "\($0.pickle) at \($0.offset)", $0.text]
            }
            let others = calls.count - shownCalls.count + callsLeftOut
            if others > 0 { rows.append(["  …", "", "", "and \(others) more"]) }
            sections.append(("calls that Python would make, none of them made:", rows))
        }
        if !findings.isEmpty {
            sections.append(
                (
                    "about the file:",
                    findings.map {
                        ["  " + ($0.verdict == .dangerous ? "dangerous" : $0.kind.rawValue), $0.text]
                    }
                ))
        }
        if !pickles.isEmpty {
            let rows = pickles.prefix(Self.mostShownPickles).map { pickle in
                ["  " + pickle.name, "\(pickle.opcodes) opcodes"] + (pickle.stop.map { [$0] } ?? [])
            }
            let others = pickles.count - rows.count + picklesLeftOut
            sections.append(("pickles:", rows + (others > 0 ? [["  … and \(others) more"]] : [])))
        }
        return sections
    }

    private static let mostShownPickles = 40
    private static let mostForeignCalls = 20

    /// All dangerous calls, and the first of the others.
    private var shownCalls: [Call] {
        let dangerous = calls.filter { $0.verdict == .dangerous }
        return dangerous + calls.filter { $0.verdict != .dangerous }.prefix(Self.mostForeignCalls)
    }

    /// The verdict in a sentence.
    var summary: String {
        let code = findings.filter { $0.verdict == .dangerous }.count
        let names = globals.filter { $0.verdict == .dangerous }.count
        switch verdict {
        case nil:
            return problem == nil
                ? "no pickle: nothing in this file can run code"
                : "nothing was found in what could be looked through"
        case .known: return "known: nothing but plain data and tensors"
        case .foreign: return "foreign: Python would import code that this file does not hold"
        case .dangerous:
            return
                "DANGEROUS: loading it in Python would run code (\(names + code) \(names + code == 1 ? "thing" : "things"))"
        }
    }
}
