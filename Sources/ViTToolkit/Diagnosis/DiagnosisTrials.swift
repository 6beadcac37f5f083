import Parity
import TensorCore
import ViT

/// Runs variants of a model on the first image of a reference, and counts them.
struct DiagnosisTrials {
    /// How near a variant comes to the reference.
    struct Outcome {
        /// Whether the target lies within the tolerance, and everything before it.
        let passes: Bool
        /// The target's largest error.
        let error: Double
    }

    let reference: ReferenceBundle
    /// The most variants that are tried.
    let limit: Int
    let progress: (DiagnosisProgress) -> Void
    private(set) var count = 0
    /// Logits by the hypotheses under which they were computed, for those that change the comparison alone.
    private var logits: [[String]: FloatTensor] = [:]

    /// Half a minute on a machine that does 100 GFLOP/s, but at least 48 variants and at most 1000.
    private static let operationLimit = 3e12

    init(
        _ reference: ReferenceBundle, _ configuration: ViTConfiguration,
        progress: @escaping (DiagnosisProgress) -> Void
    ) {
        self.reference = reference
        self.progress = progress
        let operations = configuration.matrixProducts(batch: 1).reduce(0) { $0 + $1.operationCount }
        limit = min(1000, max(48, Int(Self.operationLimit / max(operations, 1))))
    }

    var isExhausted: Bool { count >= limit }

    /// The whole first image, activation by activation.
    mutating func report(_ variant: ModelVariant) throws -> ParityReport {
        count += 1
        return try variant.report(on: reference)
    }

    /// How near the model under these hypotheses comes to the reference's target.
    ///
    /// - Parameters:
    ///   - names: the activations up to the target, which is the last; none of them for the logits.
    mutating func outcome(
        of hypotheses: [Hypothesis], on base: ModelVariant, upTo names: [String]
    ) throws -> Outcome {
        var variant = base
        for hypothesis in hypotheses { try hypothesis.change(&variant) }
        guard let target = names.last else {
            let key = hypotheses.filter { !$0.changesComparisonOnly }.map(\.message).sorted()
            let raw: FloatTensor
            if let known = logits[key] {
                raw = known
            } else {
                began(hypotheses)
                raw = try variant.model().forward(variant.form.input(of: reference.input))
                logits[key] = raw
            }
            let comparison = TensorComparison(
                name: "logits", computed: variant.form.outputs(of: raw), reference: reference.logits,
                tolerance: variant.tolerance)
            return Outcome(passes: comparison.passed, error: comparison.maxAbsoluteError)
        }
        began(hypotheses)
        let comparisons = try variant.compare(with: reference, names: Set(names), depth: Self.depth(names))
        // Where the target cannot be compared, what comes before it decides.
        guard let comparison = comparisons.last(where: { $0.name == target }) ?? comparisons.last else {
            return Outcome(passes: false, error: .infinity)
        }
        return Outcome(passes: comparisons.allSatisfy(\.passed), error: comparison.maxAbsoluteError)
    }

    /// The logits of other hypotheses are of no use when some were accepted.
    mutating func forget() { logits = [:] }

    private mutating func began(_ hypotheses: [Hypothesis]) {
        count += 1
        progress(
            DiagnosisProgress(
                done: count, limit: limit, trying: hypotheses.map(\.message).joined(separator: " and ")))
    }

    /// How many blocks have to run for all of these; nil for all.
    private static func depth(_ names: [String]) -> Int? {
        var depth = 0
        for name in names {
            guard let needed = NetworkPlace(activation: name).depth else { return nil }
            depth = max(depth, needed)
        }
        return depth
    }
}

extension ModelVariant {
    /// Compares these activations, in the order of execution.
    func compare(with reference: ReferenceBundle, names: Set<String>, depth: Int?) throws
        -> [TensorComparison]
    {
        let views = Dictionary(reference.activations.map { ($0.name, $0.view) }) { first, _ in first }
        let size = TensorComparison.size(of: reference.logits)
        var trace = ActivationTrace(names: names.filter(isComparable))
        _ = try model(depth: depth).forward(form.input(of: reference.input), trace: &trace)
        return try trace.activations.compactMap { activation in
            guard let view = views[activation.name] else { return nil }
            return TensorComparison(
                name: activation.name, computed: asInReference(activation), reference: try FloatTensor(view),
                tolerance: tolerance, logitsSize: size)
        }
    }

    /// Compares everything.
    func report(on reference: ReferenceBundle) throws -> ParityReport {
        var check = ParityCheck(reference, tolerance: tolerance)
        let wanted = Set(reference.activations.map(\.name).filter(isComparable))
        var trace = ActivationTrace(names: wanted)
        let logits = form.outputs(of: try model().forward(form.input(of: reference.input), trace: &trace))
        for activation in trace.activations where activation.name != "logits" {
            try check.compare(activation.name, asInReference(activation))
        }
        return check.report(logits: logits)
    }
}
