import TensorCore

/// Compares what a model computes with a reference, while it computes.
///
/// Activations are handed over in execution order and need not be kept: each is compared and let go.
package struct ParityCheck {
    private let output: FloatTensor
    private let outputName: String
    private let isClassification: Bool
    private let names: [String]
    private let tolerance: Tolerance
    private let logitsSize: Double
    private let views: [String: TensorView]
    private var activations: [TensorComparison] = []
    private var seen: Set<String> = []

    /// A check against the logits of images.
    package init(_ reference: ReferenceBundle, tolerance: Tolerance) {
        self.init(
            output: reference.logits, named: "logits", isClassification: true,
            activations: reference.activations, tolerance: tolerance)
    }

    /// A check against any output.
    ///
    /// - Parameter isClassification: whether the output's last axis are the scores of classes.
    package init(
        output: FloatTensor, named name: String, isClassification: Bool = false,
        activations: [(name: String, view: TensorView)], tolerance: Tolerance
    ) {
        self.output = output
        self.tolerance = tolerance
        self.isClassification = isClassification
        outputName = name
        names = activations.map(\.name)
        logitsSize = TensorComparison.size(of: output)
        views = Dictionary(activations.map { ($0.name, $0.view) }) { first, _ in first }
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

    /// Compares the logits, or whatever the output is, and draws up the report.
    package func report(logits: FloatTensor) -> ParityReport {
        let comparison = TensorComparison(
            name: outputName, computed: logits, reference: output, tolerance: tolerance)
        return ParityReport(
            logits: comparison,
            top1Agreement: isClassification
                ? TopAgreement.share(1, computed: logits, reference: output) : nil,
            top5Agreement: isClassification
                ? TopAgreement.share(5, computed: logits, reference: output) : nil,
            activations: activations,
            notCompared: names.filter { !seen.contains($0) })
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
