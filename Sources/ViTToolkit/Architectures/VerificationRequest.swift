import Checkpoints
import Layers
import Parity
import TensorCore

/// What a verification is made of.
package struct VerificationRequest {
    let prepared: PreparedModel
    let reference: Checkpoint
    let tolerance: Tolerance
    /// How the reference's images and outputs stand to the model's input and logits.
    let form: ReferenceForm
    let keepsActivations: Bool
    /// A shell pattern; of the activations those are kept whose names match it.
    let filter: String?

    private func isKept(_ name: String) -> Bool {
        keepsActivations && (filter.map { fnmatch($0, name, 0) == 0 } ?? true)
    }

    /// Keeps what is compared, and everything else that is asked for.
    ///
    /// - Parameter reach: called with each name when it is reached.
    func trace(
        for names: [String], reach: @escaping @Sendable (String) -> Void = { _ in }
    ) -> ActivationTrace {
        let wanted = Set(names)
        return ActivationTrace { name in
            reach(name)
            return isKept(name) || wanted.contains(name)
        }
    }

    /// Compares the activations of a forward pass, in execution order.
    ///
    /// - Parameters:
    ///   - output: the name of the result, which is compared by itself.
    ///   - example: the name of an activation.
    /// - Returns: those that are to be handed out.
    /// - Throws: `ToolkitError.usage` when the pattern matches none.
    func compare(
        _ trace: ActivationTrace, with check: inout ParityCheck, output: String, example: String
    ) throws -> [(name: String, tensor: FloatTensor)] {
        let activations = trace.activations.filter { $0.name != output }
        for activation in activations where check.wants(activation.name) {
            try check.compare(activation.name, activation.tensor)
        }
        let kept = activations.filter { isKept($0.name) }.map { ($0.name, $0.tensor) }
        if let filter, keepsActivations, kept.isEmpty, !isKept(output) {
            throw ToolkitError.usage("no activation's name matches \"\(filter)\" (\(example) is one)")
        }
        return kept
    }
}
