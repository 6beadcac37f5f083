import Checkpoints
import Parity
import TensorCore
import ViT
import WeightMapping

/// Finds out why a model does not compute what a reference says, by trying what usually goes wrong, one thing at a time
/// and two together, on the reference's first image; what it finds is confirmed on all of them.
///
/// Of a comparison that passes it says what would come much nearer still.
///
/// - Parameters:
///   - prepared: the model.
///   - path: the reference.
///   - verification: what verifying the model against this reference found.
///   - form: how the reference's images and outputs stand to the model's input and logits.
///   - progress: called before each variant that is tried.
/// - Throws: what ``verify(_:reference:tolerance:form:keepsActivations:filter:)`` throws.
public func diagnose(
    _ prepared: PreparedModel, reference path: String, verification: Verification,
    form: ReferenceForm = ReferenceForm(), progress: @escaping (DiagnosisProgress) -> Void = { _ in }
) throws -> Diagnosis {
    try ToolkitError.inFile(path) {
        let reference = try prepared.configuration.reference(in: Checkpoint(path: path, remote: .whole))
        let subject = DiagnosisSubject(
            prepared: prepared,
            variant: try ModelVariant(prepared, form: form, tolerance: verification.tolerance),
            reference: reference, firstImage: try reference.firstImage())
        var search = try DiagnosisSearch(subject, progress: progress)
        if verification.report.passed { try search.runOnPassing() } else { try search.run() }
        let confirmation = try Confirmation(search.accepted, subject, before: verification.report)
        let isComplete = confirmation.isComplete || verification.report.passed
        return Diagnosis(
            findings: confirmation.findings, isComplete: isComplete,
            suspicions: isComplete
                ? [] : try Suspicions.of(subject, verification, after: confirmation.report),
            trialCount: search.trials.count)
    }
}

/// What was found, tried on the whole reference.
private struct Confirmation {
    private(set) var findings: [Diagnosis.Finding] = []
    private(set) var isComplete = false
    /// The comparison with everything put right.
    private(set) var report: ParityReport

    /// By which factor the error has to fall where the rest stays unexplained.
    private static let partFactor = 10.0

    init(_ hypotheses: [Hypothesis], _ subject: DiagnosisSubject, before: ParityReport) throws {
        report = before
        var variant = subject.variant
        for hypothesis in hypotheses {
            var changed = variant
            try hypothesis.change(&changed)
            let after = try changed.report(on: subject.reference)
            findings.append(
                Diagnosis.Finding(
                    cause: hypothesis.cause, message: hypothesis.message,
                    errorBefore: report.logits.maxAbsoluteError, errorAfter: after.logits.maxAbsoluteError,
                    flag: hypothesis.flag, advice: hypothesis.advice,
                    firstDivergence: try Self.firstDivergence(
                        hypothesis, from: variant, to: changed, subject, report)))
            (variant, report) = (changed, after)
        }
        isComplete = !hypotheses.isEmpty && report.passed
        let fall =
            before.logits.maxAbsoluteError / max(report.logits.maxAbsoluteError, .leastNonzeroMagnitude)
        let isNearer = fall >= Self.partFactor || Self.place(report) > Self.place(before)
        if !isComplete, !isNearer {
            findings = []
            report = before
        }
    }

    /// Where a report first fails.
    private static func place(_ report: ParityReport) -> Int {
        report.activations.firstIndex { !$0.passed } ?? report.activations.count
    }

    /// Where the reference says so, else where the two variants go apart.
    private static func firstDivergence(
        _ hypothesis: Hypothesis, from old: ModelVariant, to new: ModelVariant, _ subject: DiagnosisSubject,
        _ report: ParityReport
    ) throws -> String {
        if hypothesis.changesComparisonOnly { return "logits" }
        if !report.activations.isEmpty, let name = report.firstDivergence { return name }
        let images = subject.firstImage.input
        var before = ActivationTrace()
        _ = try old.model().forward(old.form.input(of: images), trace: &before)
        let known = Dictionary(before.activations.map { ($0.name, $0.tensor) }) { first, _ in first }
        var after = ActivationTrace()
        _ = try new.model().forward(new.form.input(of: images), trace: &after)
        for activation in after.activations {
            guard let other = known[activation.name] else { continue }
            let comparison = TensorComparison(
                name: activation.name, computed: other, reference: activation.tensor,
                tolerance: old.tolerance)
            if !comparison.passed { return activation.name }
        }
        return "logits"
    }
}
