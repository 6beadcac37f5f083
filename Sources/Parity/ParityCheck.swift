import TensorCore

/// Compares what a model computes with a reference, while it computes.
///
/// Activations are handed over in execution order and need not be kept: each is compared and let go.
package struct ParityCheck {
    private let reference: ReferenceBundle
    private let tolerance: Tolerance
    private let logitsSize: Double
    private let views: [String: TensorView]
    private var activations: [TensorComparison] = []
    private var seen: Set<String> = []

    package init(_ reference: ReferenceBundle, tolerance: Tolerance) {
        self.reference = reference
        self.tolerance = tolerance
        logitsSize = TensorComparison.size(of: reference.logits)
        views = Dictionary(reference.activations.map { ($0.name, $0.view) }) { first, _ in first }
    }

    /// Whether the reference holds an activation of that name.
    package func wants(_ name: String) -> Bool { views[name] != nil }

    /// Compares one activation; those that the reference lacks are passed over.
    ///
    /// - Throws: whatever reading the reference throws.
    package mutating func compare(_ name: String, _ computed: FloatTensor) throws {
        guard let view = views[name], seen.insert(name).inserted else { return }
        activations.append(
            TensorComparison(
                name: name, computed: computed, reference: try FloatTensor(view), tolerance: tolerance,
                logitsSize: logitsSize))
    }

    /// Compares the logits and draws up the report.
    package func report(logits: FloatTensor) -> ParityReport {
        let comparison = TensorComparison(
            name: "logits", computed: logits, reference: reference.logits, tolerance: tolerance)
        return ParityReport(
            logits: comparison,
            top1Agreement: TopAgreement.share(1, computed: logits, reference: reference.logits),
            top5Agreement: TopAgreement.share(5, computed: logits, reference: reference.logits),
            activations: activations,
            notCompared: reference.activations.map(\.name).filter { !seen.contains($0) })
    }

    /// Compares a whole forward pass.
    ///
    /// - Parameter activations: in execution order.
    package static func compare(
        logits: FloatTensor, activations: [(name: String, tensor: FloatTensor)],
        with reference: ReferenceBundle, tolerance: Tolerance
    ) throws -> ParityReport {
        var check = ParityCheck(reference, tolerance: tolerance)
        for (name, tensor) in activations { try check.compare(name, tensor) }
        return check.report(logits: logits)
    }
}
