import Checkpoints
import TensorCore
import ViT
import WeightMapping

extension ViTConfiguration {
    package static func infer(
        from mapped: MappedModel, in checkpoint: Checkpoint, _ options: ModelOptions
    ) throws -> (ViTConfiguration, remarks: [String]) {
        var description = try description(of: checkpoint)
        let channels = channels(of: mapped)
        if let channels, let count = description.preprocessing?.mean.count, count != channels {
            description.preprocessing = nil
            description.remarks.append(
                "the mean and standard deviation of \(count) channels say nothing about this model's \(channels)"
            )
        }
        var overrides = overrides(for: mapped, description, options)
        let (inferred, remarks): (ViTConfiguration, [String])
        do throws(ViTError) {
            do throws(ViTError) {
                (inferred, remarks) = try ViTConfiguration.infer(from: mapped.shapes, overrides: overrides)
            } catch {
                // The size asked for may be one to resample to, of which the positions tell nothing.
                guard options.imageSize != nil, let own = description.imageSize?.value else { throw error }
                overrides.imageSize = own
                (inferred, remarks) = try ViTConfiguration.infer(from: mapped.shapes, overrides: overrides)
            }
        } catch {
            // What is missing from the file says more than what could not be inferred.
            guard mapped.report.isComplete else {
                throw MappingError.incomplete(path: mapped.path, scheme: mapped.scheme.name, mapped.report)
            }
            throw error
        }
        try refuseRotaryPositions(of: mapped, inferred)
        var configuration = inferred
        if options.imageSize == inferred.imageSize {
            description.imageSize = nil
        } else if options.imageSize != nil {
            // The size asked for is not the weights' own: it is where the positions are to be resampled to.
            overrides.imageSize = description.imageSize?.value ?? description.likelyImageSize
            configuration = try ViTConfiguration.infer(from: mapped.shapes, overrides: overrides)
                .configuration
        }
        try description.complete(&configuration)
        if options.gelu == nil, description.gelu == nil,
            let remark = mapped.scheme.conventions.geluRemark
                ?? (mapped.scheme == .timm ? TimmArchitecture.geluRemark(configuration) : nil)
        {
            description.remarks.append(remark)
        }
        return (configuration, description.remarks + remarks)
    }

    package static func explain(_ checkpoint: Checkpoint) throws {
        _ = try description(of: checkpoint)
    }

    /// What files beside the checkpoint say; an `.swt` says everything itself.
    private static func description(of checkpoint: Checkpoint) throws -> ModelDescription {
        guard checkpoint.container != .swt, !checkpoint.files.isEmpty else { return ModelDescription() }
        return try ModelDescription(beside: checkpoint.path) ?? ModelDescription()
    }

    /// EVA-02 computes its rotary embeddings afresh, so that no tensor shows them; of the models without a key bias
    /// it is the one with SwiGLU, which in its smaller sizes is one map and told by its shape alone.
    private static func refuseRotaryPositions(
        of mapped: MappedModel, _ configuration: ViTConfiguration
    ) throws(MappingError) {
        guard configuration.mlp == .swiGLUPacked else { return }
        let sources = mapped.tensors.flatMap(\.sources).filter { $0.hasSuffix(".attn.q_bias") }
        guard sources.isEmpty else {
            throw .unsupported(feature: "rotary position embeddings (EVA-02)", names: sources)
        }
    }

    private static func channels(of mapped: MappedModel) -> Int? {
        let weight = mapped.shapes.first { $0.name == "patch_embed.proj.weight" }?.shape
        return weight?.rank == 4 ? weight?[1] : nil
    }

    /// What the user says, else what stands beside the checkpoint, else what the scheme's models do.
    private static func overrides(
        for mapped: MappedModel, _ description: ModelDescription, _ options: ModelOptions
    ) -> ViTConfiguration.Overrides {
        let conventions = mapped.scheme.conventions
        var overrides = ViTConfiguration.Overrides()
        overrides.heads = options.heads ?? mapped.lengths["H"] ?? description.heads?.value
        overrides.imageSize =
            options.imageSize ?? description.imageSize?.value ?? description.likelyImageSize
        overrides.gelu =
            options.gelu ?? description.gelu
            ?? conventions.gelu.flatMap { ViTConfiguration.GELU(rawValue: $0.rawValue) }
        overrides.layerNormEpsilon = options.layerNormEpsilon ?? description.layerNormEpsilon
        overrides.usualEpsilon = conventions.layerNormEpsilon
        overrides.pooling = options.pooling ?? description.pooling
        overrides.preprocessing = description.preprocessing
        overrides.usualPositions = conventions.positions.map {
            Set($0.compactMap { ViTConfiguration.Positions(rawValue: $0) })
        }
        if overrides.preprocessing == nil, let mean = conventions.mean,
            let deviation = conventions.standardDeviation, channels(of: mapped) ?? mean.count == mean.count
        {
            overrides.preprocessing = .init(mean: mean, standardDeviation: deviation)
        }
        return overrides
    }
}
