import Checkpoints
import Parity
import TensorCore
import ViT
import WeightMapping

extension ViTConfiguration: ModelConfiguration {
    package static let architecture = "vit"
    package static let noun = "a Vision Transformer"
    package static var schemes: [NamingScheme] { NamingScheme.visionTransformer }
    package static let isDiagnosed = true

    package static func refuse(_ options: ModelOptions) throws {
        if options.normFirst != nil {
            throw ToolkitError.usage(
                "the norms of a Vision Transformer always stand first: --norm-first is for a Transformer with "
                    + "encoder and decoder")
        }
    }

    package var summary: String { ViTVariant.describe(self) }
    package var lengths: [String: Int] { ["H": heads, "C": channels] }

    package var restated: ModelOptions {
        var options = ModelOptions()
        options.heads = heads
        options.imageSize = imageSize
        options.gelu = gelu
        options.layerNormEpsilon = layerNormEpsilon
        options.pooling = pooling == .attention ? nil : pooling
        return options
    }

    package mutating func heed(_ options: ModelOptions) {
        heads = options.heads ?? heads
        gelu = options.gelu ?? gelu
        layerNormEpsilon = options.layerNormEpsilon ?? layerNormEpsilon
        pooling = options.pooling ?? pooling
    }

    package func verify(_ request: VerificationRequest) throws -> Verification {
        let model = try request.prepared.model()
        let reference = try reference(in: request.reference)
        var check = ParityCheck(reference, tolerance: request.tolerance)
        let task = Progress.begin(
            "forward pass of \(reference.input.shape[0]) images", of: depth, unit: .pieces("blocks"))
        defer { task?.end() }
        var trace = request.trace(for: reference.activations.map(\.name)) { name in
            if let task, name.hasPrefix("blocks."), let block = Int(name.split(separator: ".")[1]) {
                task.reach(block)
            }
        }
        let form = request.form
        let logits = form.outputs(of: try model.forward(form.input(of: reference.input), trace: &trace))
        let kept = try request.compare(
            trace, with: &check, output: "logits", example: "blocks.0.attn.attn_drop")
        return Verification(
            report: check.report(logits: logits), tolerance: request.tolerance,
            computed: kept + [("logits", logits)])
    }

    /// A reference for this model.
    func reference(in file: Checkpoint) throws -> ReferenceBundle {
        let reference = try ReferenceBundle(
            file.tensors.map { ($0.name, $0.view) }, channels: channels)
        try reference.require(imageHeight: imageSize.height, imageWidth: imageSize.width)
        return reference
    }
}
