import Checkpoints
import TensorCore
import Transformer
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
    /// What the forward pass needs to know, of whichever architecture the model is.
    package let modelConfiguration: any ModelConfiguration
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
    /// - Parameters:
    ///   - checkpoint: the file.
    ///   - options: what shapes cannot tell, and what is to be changed.
    /// - Throws: `MappingError` with the whole report when a parameter is missing or a tensor left over;
    ///   `ViTError` or `TransformerError` when the shapes make no model; `ToolkitError`.
    public init(_ checkpoint: Checkpoint, options: ModelOptions = ModelOptions()) throws {
        self = try ToolkitError.inFile(checkpoint.path) { try Self.prepared(checkpoint, options) }
        Progress.tell { parameters.map { "\(scheme): \($0.text)" } }
    }

    private init(
        checkpoint: Checkpoint, mapped: MappedModel, parameters: [MappedTensor],
        configuration: any ModelConfiguration, options: ModelOptions, remarks: [String]
    ) {
        self.checkpoint = checkpoint
        self.options = options
        scheme = mapped.scheme.name
        modelConfiguration = configuration
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
        try configuration.adapt(&mapped, options)
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
            if case .noWeights = error {
                for architecture in Architectures.all { try architecture.explain(checkpoint) }
            }
            throw error
        }
    }

    /// The schemes among which the names are looked for.
    private static func schemes(for checkpoint: Checkpoint, _ options: ModelOptions) throws -> [NamingScheme]
    {
        if let rules = options.rules { return [rules] }
        if let name = options.scheme { return [try ToolkitError.scheme(named: name)] }
        guard checkpoint.container == .swt else { return Architectures.all.flatMap { $0.schemes } }
        return Array(try SwtMetadata.architecture(of: checkpoint).schemes.prefix(1))
    }

    /// From the `.swt` metadata, else from names, shapes and what stands beside them; what the user says goes
    /// first.
    static func configuration(
        of mapped: MappedModel, in checkpoint: Checkpoint, _ options: ModelOptions
    ) throws -> (any ModelConfiguration, remarks: [String]) {
        if checkpoint.container == .swt {
            var configuration = try SwtMetadata.configuration(of: checkpoint)
            try type(of: configuration).refuse(options)
            configuration.heed(options)
            return (configuration, [])
        }
        let architecture = Architectures.of(mapped.scheme)
        try architecture.refuse(options)
        return try architecture.infer(from: mapped, in: checkpoint, options)
    }

    /// The parameters by name.
    var parametersByName: [String: TensorView] {
        Dictionary(parameters.map { ($0.name, $0.view) }, uniquingKeysWith: { first, _ in first })
    }
}

/// What is asked of one architecture.
extension PreparedModel {
    /// The name of the architecture: `vit` or `transformer`.
    public var architecture: String { type(of: modelConfiguration).architecture }

    /// Whether ``diagnose(_:reference:verification:form:progress:)`` can look for the cause of a failed comparison.
    public var canBeDiagnosed: Bool { type(of: modelConfiguration).isDiagnosed }

    /// A line that says what the model is.
    public var summary: String { modelConfiguration.summary }

    /// The configuration of a Vision Transformer.
    ///
    /// - Throws: `ToolkitError.impossible` when the model is of another architecture.
    public var configuration: ViTConfiguration {
        get throws { try required() }
    }

    /// The configuration of an encoder–decoder Transformer.
    ///
    /// - Throws: `ToolkitError.impossible` when the model is of another architecture.
    public var transformerConfiguration: TransformerConfiguration {
        get throws { try required() }
    }

    /// The Vision Transformer, over the checkpoint's own bytes.
    ///
    /// - Throws: `ToolkitError.impossible` when the model is of another architecture; whatever reading the
    ///   parameters throws.
    public func model() throws -> VisionTransformer {
        try ToolkitError.inFile(checkpoint.path) {
            try VisionTransformer(configuration: configuration, parameters: parametersByName)
        }
    }

    /// The encoder–decoder Transformer, over the checkpoint's own bytes.
    ///
    /// - Throws: as ``model()``.
    public func transformer() throws -> Transformer {
        try ToolkitError.inFile(checkpoint.path) {
            try Transformer(configuration: transformerConfiguration, parameters: parametersByName)
        }
    }

    private func required<Configuration: ModelConfiguration>() throws -> Configuration {
        guard let configuration = modelConfiguration as? Configuration else {
            throw ToolkitError.inFile(
                checkpoint.path,
                ToolkitError.impossible(
                    "expected \(Configuration.noun), found \(type(of: modelConfiguration).noun)"))
        }
        return configuration
    }
}

extension VisionTransformer {
    /// Opens a checkpoint of any kind and builds its model; that of an `.swt` stays in the mapped file.
    ///
    /// - Parameters:
    ///   - path: a checkpoint of any kind.
    ///   - options: what shapes cannot tell, and what is to be changed.
    /// - Throws: `CheckpointError`, `MappingError`, `ViTError` or `ToolkitError`, each with the file's name.
    public convenience init(path: String, options: ModelOptions = ModelOptions()) throws {
        let prepared = try PreparedModel(try Checkpoint(path: path, remote: .whole), options: options)
        try self.init(configuration: prepared.configuration, parameters: prepared.parametersByName)
    }
}

extension Transformer {
    /// Opens a checkpoint of any kind and builds its model; that of an `.swt` stays in the mapped file.
    ///
    /// - Parameters:
    ///   - path: a checkpoint of any kind.
    ///   - options: what shapes cannot tell, and what is to be changed.
    /// - Throws: `CheckpointError`, `MappingError`, `TransformerError` or `ToolkitError`, each with the file's name.
    public convenience init(path: String, options: ModelOptions = ModelOptions()) throws {
        let prepared = try PreparedModel(try Checkpoint(path: path, remote: .whole), options: options)
        try self.init(configuration: prepared.transformerConfiguration, parameters: prepared.parametersByName)
    }
}
