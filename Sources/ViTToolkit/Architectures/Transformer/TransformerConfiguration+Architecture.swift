import Checkpoints
import TensorCore
import Transformer
import ViT
import WeightMapping

extension TransformerConfiguration: ModelConfiguration {
    package static let architecture = "transformer"
    package static let noun = "an encoder–decoder Transformer"
    package static var schemes: [NamingScheme] { NamingScheme.transformer }
    package static let isDiagnosed = false

    package static func infer(
        from mapped: MappedModel, in checkpoint: Checkpoint, _ options: ModelOptions
    ) throws -> (TransformerConfiguration, remarks: [String]) {
        var overrides = Overrides()
        overrides.heads = options.heads
        overrides.normFirst = options.normFirst
        overrides.activation = options.gelu.map(Activation.init)
        overrides.layerNormEpsilon = options.layerNormEpsilon ?? mapped.scheme.conventions.layerNormEpsilon
        do throws(TransformerError) {
            return try infer(from: mapped.shapes, overrides: overrides)
        } catch {
            // What is missing from the file says more than what could not be inferred.
            guard mapped.report.isComplete else {
                throw MappingError.incomplete(path: mapped.path, scheme: mapped.scheme.name, mapped.report)
            }
            throw error
        }
    }

    package static func explain(_ checkpoint: Checkpoint) throws {
        let attentions = checkpoint.tensors.map(\.name).filter { $0.hasSuffix(".self_attn.in_proj_weight") }
        let isWhole = checkpoint.tensors.contains { $0.name.hasSuffix(".multihead_attn.in_proj_weight") }
        // Patches would make it a Vision Transformer of torch's layers, which only needs names.
        guard !attentions.isEmpty, !isWhole, !checkpoint.tensors.contains(where: { $0.view.shape.rank > 3 })
        else { return }
        throw MappingError.unsupported(
            feature: "an encoder alone (torch's nn.TransformerEncoder) and no decoder", names: attentions)
    }

    package static func refuse(_ options: ModelOptions) throws {
        let given = [
            ("--image-size", options.imageSize != nil), ("--pool", options.pooling != nil),
            (options.classes == 0 ? "--drop-head" : "--num-classes", options.classes != nil),
            ("--no-pre-logits", options.dropsPreLogits), ("--qkv-order", options.repairs.qkvOrder != nil),
            ("--transposed-kernels", options.repairs.transposed != nil),
            ("--pos-embed", options.repairs.positions != nil),
        ].filter(\.1).map(\.0)
        guard given.isEmpty else {
            throw ToolkitError.usage(
                "\(given.joined(separator: ", ")) \(given.count == 1 ? "is" : "are") for Vision Transformers, "
                    + "and this is \(noun)")
        }
    }

    package var lengths: [String: Int] { ["H": heads] }

    package var restated: ModelOptions {
        var options = ModelOptions()
        options.heads = heads
        options.normFirst = normFirst
        options.gelu = activation.gelu
        options.layerNormEpsilon = layerNormEpsilon
        return options
    }

    package mutating func heed(_ options: ModelOptions) {
        heads = options.heads ?? heads
        normFirst = options.normFirst ?? normFirst
        activation = options.gelu.map(Activation.init) ?? activation
        layerNormEpsilon = options.layerNormEpsilon ?? layerNormEpsilon
    }

    package mutating func adapt(_ mapped: inout MappedModel, _ options: ModelOptions) throws {
        try validate()
        var adaptation = Adaptation()
        adaptation.dtype = options.dtype
        try mapped.adapt(adaptation) { name, _, _ in
            throw ToolkitError.impossible("the model has no parameter \(name) to initialise")
        }
    }

    package func prepare(
        _ parameters: [NamedTensor], for scheme: NamingScheme
    ) throws -> (parameters: [NamedTensor], remarks: [String]) {
        (parameters, [])
    }

    package func remarks(on scheme: NamingScheme) -> [String] { [] }

    package func sidecars(in scheme: NamingScheme) -> [OutputLocation.Sidecar] { [] }
}

extension TransformerConfiguration.Activation {
    init(_ gelu: ViTConfiguration.GELU) {
        self =
            switch gelu {
            case .exact: .gelu
            case .tanh: .geluTanh
            case .quick: .geluQuick
            }
    }

    /// The option that says so; nil for ReLU.
    fileprivate var gelu: ViTConfiguration.GELU? {
        switch self {
        case .relu: nil
        case .gelu: .exact
        case .geluTanh: .tanh
        case .geluQuick: .quick
        }
    }
}
