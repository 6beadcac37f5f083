import Parity
import ViT

/// Looks for what makes a model compute what a reference says.
///
/// It starts where the two first diverge, and tries what can be felt there: one hypothesis at a time, then two. What
/// brings the two together there is kept, and what brings them much nearer; the search goes on where they diverge then.
/// Without activations, that place is the logits, and all hypotheses are tried on them.
struct DiagnosisSearch {
    let subject: DiagnosisSubject
    private let families: [[Hypothesis]]
    private(set) var trials: DiagnosisTrials
    private(set) var accepted: [Hypothesis] = []
    private var variant: ModelVariant

    private static let mostCauses = 4
    /// By which factor the error falls when a cause is put right: to what is left for rounding.
    private static let wholeFactor = 3.0
    /// By which factor, where the rest stays unexplained.
    private static let partFactor = 10.0
    /// A family of so many hypotheses is tried whole, since the second best may pass too.
    private static let smallFamily = 4

    init(_ subject: DiagnosisSubject, progress: @escaping (DiagnosisProgress) -> Void) throws {
        self.subject = subject
        variant = subject.variant
        families = try HypothesisFamily.all.map { try $0.hypotheses(subject) }
        trials = DiagnosisTrials(subject.firstImage, subject.configuration, progress: progress)
    }

    /// A combination that was tried.
    private struct Trial {
        let hypotheses: [Hypothesis]
        let outcome: DiagnosisTrials.Outcome
    }

    /// Finds causes until the first image passes or nothing more is found.
    mutating func run() throws {
        var report = try trials.report(variant)
        while accepted.count < Self.mostCauses, !report.passed, !trials.isExhausted {
            guard let found = try search(report) else { return }
            for hypothesis in found {
                accepted.append(hypothesis)
                try hypothesis.change(&variant)
            }
            trials.forget()
            report = try trials.report(variant)
        }
    }

    /// Tries what would come nearer although the comparison passes.
    mutating func runOnPassing() throws {
        let report = try trials.report(variant)
        let candidates = families.joined().filter { $0.isSubtle && !$0.changesComparisonOnly }
        var best: Trial?
        for hypothesis in candidates {
            let trial = try attempt([hypothesis], [])
            if trial.outcome.error < best?.outcome.error ?? .infinity { best = trial }
        }
        let before = report.logits.maxAbsoluteError
        guard let best, best.outcome.passes, isNearer(best, before: before) else { return }
        accepted = best.hypotheses
    }

    private mutating func search(_ report: ParityReport) throws -> [Hypothesis]? {
        let names = report.activations.map(\.name)
        let failing = report.activations.firstIndex { !$0.passed }
        let first = failing.map { NetworkPlace(activation: names[$0]) } ?? NetworkPlace(.logits)
        let last = (failing ?? names.count) > 0 ? names[..<(failing ?? names.count)].last : nil
        let target = failing.map { Array(names[...$0]) } ?? []
        let before = failing.map { report.activations[$0] } ?? report.logits
        let place = last.map { NetworkPlace(activation: $0) }
        let causes = Set(accepted.map(\.cause))
        let candidates = families.map { family in
            family.filter { !causes.contains($0.cause) && $0.canExplain(first: first, after: place) }
        }
        return try search(candidates, target: target, before: before.maxAbsoluteError)
    }

    private mutating func search(
        _ candidates: [[Hypothesis]], target: [String], before: Double
    ) throws -> [Hypothesis]? {
        for family in candidates {
            var best: Trial?
            for hypothesis in family where !trials.isExhausted {
                let trial = try attempt([hypothesis], target)
                if trial.outcome.error < best?.outcome.error ?? .infinity { best = trial }
                if family.count > Self.smallFamily, explains(trial, before: before) { break }
            }
            if let best, explains(best, before: before) || isNearer(best, before: before) {
                return best.hypotheses
            }
        }
        // No error tells which of two causes is near while the other hides it: the likelier ones go first.
        for pair in Self.pairs(candidates) where !trials.isExhausted {
            let trial = try attempt(pair, target)
            if explains(trial, before: before) {
                return pair.sorted { $0.places.lowerBound < $1.places.lowerBound }
            }
        }
        return nil
    }

    /// Two of different causes each, first those that come first in their families.
    private static func pairs(_ families: [[Hypothesis]]) -> [[Hypothesis]] {
        var pairs: [(rank: Int, pair: [Hypothesis])] = []
        for (index, family) in families.enumerated() {
            for other in families[(index + 1)...] {
                for (rank, first) in family.enumerated() {
                    for (otherRank, second) in other.enumerated() where first.cause != second.cause {
                        pairs.append((rank + otherRank, [first, second]))
                    }
                }
            }
        }
        return pairs.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }
            .map(\.element.pair)
    }

    /// Whether so much falls away that the rest is another cause's.
    private func isNearer(_ trial: Trial, before: Double) -> Bool {
        trial.outcome.error * Self.partFactor <= before
    }

    private mutating func attempt(_ hypotheses: [Hypothesis], _ target: [String]) throws -> Trial {
        Trial(
            hypotheses: hypotheses, outcome: try trials.outcome(of: hypotheses, on: variant, upTo: target))
    }

    private func explains(_ trial: Trial, before: Double) -> Bool {
        guard trial.outcome.passes else { return false }
        // What changes the comparison alone leaves the error, or makes it one of other quantities.
        return trial.hypotheses.contains(where: \.changesComparisonOnly)
            || trial.outcome.error * Self.wholeFactor <= before
    }
}
