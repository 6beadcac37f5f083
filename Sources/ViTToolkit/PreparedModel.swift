import Checkpoints
import TensorCore
import ViT
import WeightMapping

/// A checkpoint understood: which model it is, and where each of its parameters comes from.
///
/// Nothing but names and shapes has been read; parameters are views of the file.
public struct PreparedModel: Sendable {
    /// The checkpoint.
    public let checkpoint: Checkpoint
    /// The naming scheme of its tensors.
    public let scheme: String
    /// What the forward pass needs to know.
    public let configuration: ViTConfiguration
    /// What became of each tensor.
    public let report: MappingReport
    /// What the user should hear: guesses, other weights in the file, changes made.
    public let remarks: [String]
    /// The parameters, in the model's order.
    package let parameters: [MappedTensor]
    /// The type in which most parameters are stored.
    package let storedDType: DType
    /// What the user said about it.
    let options: ModelOptions

    /// Tells which weights a checkpoint holds and proves that they are a whole model.
    ///
    /// - Throws: `MappingError` with the whole report when a parameter is missing or a tensor left over;
    ///   `ViTError` when the shapes make no model; `ToolkitError`.
    public init(_ checkpoint: Checkpoint, options: ModelOptions = ModelOptions()) throws {
        self = try ToolkitError.inFile(checkpoint.path) { try Self.prepared(checkpoint, options) }
        Progress.tell { parameters.map { "\(scheme): \($0.text)" } }
    }

    private init(
        checkpoint: Checkpoint, mapped: MappedModel, parameters: [MappedTensor],
        configuration: ViTConfiguration, options: ModelOptions,
        remarks: [String]
    ) {
        self.checkpoint = checkpoint
        self.options = options
        scheme = mapped.scheme.name
        self.configuration = configuration
        report = mapped.report(against: configuration.parameters.map { ($0.name, $0.shape) })
        self.remarks =
            checkpoint.remarks + ((try? checkpoint.safetyRemarks(refusingDanger: false)) ?? []) + remarks
            + mapped.remarks
        self.parameters = parameters
        storedDType = mapped.dominantDType
    }

    private static func prepared(_ checkpoint: Checkpoint, _ options: ModelOptions) throws -> PreparedModel {
        var mapped = try mapped(checkpoint, options)
        var (configuration, remarks) = try configuration(of: mapped, in: checkpoint, options)
        try mapped.repair(options.repairs, configuration.layout)
        var adaptation = Adaptation()
        adaptation.interpolation = options.interpolation
        adaptation.classes = options.classes
        adaptation.dropsPreLogits = options.dropsPreLogits
        adaptation.dtype = options.dtype
        if let size = options.imageSize, size != configuration.imageSize {
            guard size.height >= configuration.patchSize.height, size.width >= configuration.patchSize.width
            else {
                throw ToolkitError.impossible(
                    "an image of \(size.height)×\(size.width) pixels is smaller than one patch of "
                        + "\(configuration.patchSize.height)×\(configuration.patchSize.width)")
            }
            let old = configuration.gridSize
            configuration.imageSize = size
            let new = configuration.gridSize
            adaptation.grids = (
                PatchGrid(height: old.height, width: old.width),
                PatchGrid(height: new.height, width: new.width)
            )
        }
        if options.dropsPreLogits { configuration.preLogits = nil }
        if let classes = options.classes {
            if classes > 0, configuration.classes == 0 { configuration.headBias = true }
            if classes != configuration.classes { configuration.labels = nil }
            configuration.classes = classes
        }
        try configuration.validate()
        let fresh = ViTInitialisation(configuration, seed: options.seed)
        try mapped.adapt(adaptation) { name, shape, dtype in
            guard let view = try fresh.parameters().first(where: { $0.name == name })?.tensor else {
                throw ToolkitError.impossible("the model has no parameter \(name) to initialise")
            }
            return try view.converted(to: dtype)
        }
        let parameters = try mapped.prove(configuration.parameters.map { ($0.name, $0.shape) })
        return PreparedModel(
            checkpoint: checkpoint, mapped: mapped, parameters: parameters, configuration: configuration,
            options: options, remarks: remarks)
    }

    /// The parameters under canonical names, before they are proven to be a whole model.
    static func mapped(_ checkpoint: Checkpoint, _ options: ModelOptions) throws -> MappedModel {
        let schemes = try schemes(for: checkpoint, options)
        do throws(MappingError) {
            return try Mapper.map(checkpoint.tensors, select: options.select, schemes: schemes)
        } catch {
            // That the model is none of ours says more than that its names are none.
            if case .noWeights = error { _ = try description(of: checkpoint) }
            throw error
        }
    }

    /// The schemes among which the names are looked for.
    private static func schemes(for checkpoint: Checkpoint, _ options: ModelOptions) throws -> [NamingScheme]
    {
        if let rules = options.rules { return [rules] }
        if let name = options.scheme { return [try ToolkitError.scheme(named: name)] }
        return checkpoint.container == .swt ? [.timm] : NamingScheme.all
    }

    /// What files beside the checkpoint say; an `.swt` says everything itself.
    private static func description(of checkpoint: Checkpoint) throws -> ModelDescription {
        guard checkpoint.container != .swt, !checkpoint.files.isEmpty else { return ModelDescription() }
        return try ModelDescription(beside: checkpoint.path) ?? ModelDescription()
    }

    /// From the `.swt` metadata, else from names, shapes and what stands beside them; what the user says goes
    /// first.
    static func configuration(
        of mapped: MappedModel, in checkpoint: Checkpoint, _ options: ModelOptions
    ) throws -> (ViTConfiguration, remarks: [String]) {
        if checkpoint.container == .swt {
            var configuration = try SwtMetadata.configuration(of: checkpoint)
            configuration.heads = options.heads ?? configuration.heads
            configuration.gelu = options.gelu ?? configuration.gelu
            configuration.layerNormEpsilon = options.layerNormEpsilon ?? configuration.layerNormEpsilon
            configuration.pooling = options.pooling ?? configuration.pooling
            return (configuration, [])
        }
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

    /// The model, over the checkpoint's own bytes.
    ///
    /// - Throws: whatever reading the parameters throws.
    public func model() throws -> VisionTransformer {
        try ToolkitError.inFile(checkpoint.path) {
            try VisionTransformer(
                configuration: configuration,
                parameters: Dictionary(
                    parameters.map { ($0.name, $0.view) }, uniquingKeysWith: { first, _ in first }))
        }
    }
}

extension ViTConfiguration {
    /// The sizes by which rows and columns of parameters are told apart.
    var layout: Repairs.Geometry {
        Repairs.Geometry(
            heads: heads, prefixRows: positionPrefixCount,
            grid: PatchGrid(height: gridSize.height, width: gridSize.width))
    }
}

extension VisionTransformer {
    /// Opens a checkpoint of any kind and builds its model; that of an `.swt` stays in the mapped file.
    ///
    /// - Throws: `CheckpointError`, `MappingError`, `ViTError` or `ToolkitError`, each with the file's name.
    public convenience init(path: String, options: ModelOptions = ModelOptions()) throws {
        let prepared = try PreparedModel(try Checkpoint(path: path), options: options)
        try self.init(
            configuration: prepared.configuration,
            parameters: Dictionary(
                prepared.parameters.map { ($0.name, $0.view) }, uniquingKeysWith: { first, _ in first }))
    }
}
