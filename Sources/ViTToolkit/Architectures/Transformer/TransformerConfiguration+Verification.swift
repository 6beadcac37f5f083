import Checkpoints
import Layers
import Parity
import TensorCore
import Transformer

extension TransformerConfiguration {
    package func verify(_ request: VerificationRequest) throws -> Verification {
        guard request.form == ReferenceForm() else {
            throw ToolkitError.usage(
                "--preprocess and --apply are for images and logits, and this is \(Self.noun)")
        }
        let model = try request.prepared.transformer()
        let reference = try SequenceReference(
            request.reference.tensors.map { ($0.name, $0.view) }, width: width)
        var verification = try verify(model, reference, masks: reference.masks, request)
        // torch has two answers for a padded source: a reference may hold either.
        guard !verification.report.passed, let masks = reference.fastPathMasks else { return verification }
        var other = try verify(model, reference, masks: masks, request)
        let advice =
            "torch's encoder has a fast path (evaluation without gradients, batch_first=True) that leaves out the "
            + "rows of src_key_padding_mask, so that a decoder without memory_key_padding_mask sees zeros there"
        guard other.report.passed else {
            verification.remarks.append(
                "neither as torch computes it nor as its fast path does is the output the reference's: "
                    + advice)
            return verification
        }
        other.remarks.append("the reference comes from torch's fast path: " + advice)
        return other
    }

    private func verify(
        _ model: Transformer, _ reference: SequenceReference, masks: TransformerMasks,
        _ request: VerificationRequest
    ) throws -> Verification {
        var check = ParityCheck(
            output: reference.output, named: "output", activations: reference.activations,
            tolerance: request.tolerance)
        var trace = request.trace(for: reference.activations.map(\.name))
        let output = try model.forward(
            source: reference.source, target: reference.target, masks: masks, trace: &trace)
        let kept = try request.compare(
            trace, with: &check, output: "output", example: "encoder.layers.0.self_attn.attn_drop")
        return Verification(
            report: check.report(logits: output), tolerance: request.tolerance,
            computed: kept + [("output", output)])
    }
}
