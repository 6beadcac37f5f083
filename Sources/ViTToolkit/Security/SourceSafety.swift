import Checkpoints

extension Checkpoint {
    /// What a user should hear of the code that this checkpoint would bring into Python; it takes no time when there
    /// is none.
    ///
    /// - Parameter isRefused: whether what is dangerous is an error; nothing here runs it in either case.
    /// - Throws: `ToolkitError.unsafeSource`.
    package func safetyRemarks(refusingDanger isRefused: Bool) throws -> [String] {
        guard let report = try SecurityReport(unlessPlain: self) else { return [] }
        // The weights of a Keras model stand apart from its code; every vit-keras model that was saved whole has some.
        if report.verdict == .dangerous, isRefused, container != .hdf5 {
            throw ToolkitError.unsafeSource(path, examples: report.examples(of: .dangerous))
        }
        return [SecurityVerdict.dangerous, .foreign].compactMap { verdict in
            let examples = report.examples(of: verdict)
            guard !examples.isEmpty else { return nil }
            let what =
                verdict == .dangerous
                ? "would run code when loaded in Python, which was not done here:"
                : "names classes that Python would import, which stay unbuilt here:"
            return "\(path) \(what) " + examples.joined(separator: ", ")
        }
    }
}

extension SecurityReport {
    /// What of that verdict is in the file: calls where there are any, else names; a few of each.
    func examples(of verdict: SecurityVerdict) -> [String] {
        let found =
            verdict == .dangerous
            ? calls.filter { $0.verdict == verdict }.map(\.text)
                + findings.filter { $0.verdict == verdict }.map(\.text) : []
        let names = globals.filter { $0.verdict == verdict }.map {
            EscapedText.plain("\($0.module).\($0.name)")
        }
        let all = found.isEmpty ? names : found
        return all.count > Self.mostExamples
            ? all.prefix(Self.mostExamples) + ["… (\(all.count) in all)"] : all
    }

    private static let mostExamples = 5
}
