import Checkpoints
import TensorCore
import ViT

/// Writes a freshly initialised model of a known variant; the same seed gives the same bytes.
///
/// - Parameters:
///   - variant: a name of `ViTVariant.all`.
///   - form: the names in which the tensors are written.
///   - options: `classes`, `imageSize`, `dtype` and `seed` are heeded.
/// - Returns: the configuration and the file's size in bytes.
/// - Throws: `ToolkitError.unknownVariant`; `CheckpointError` when the file cannot be written.
@discardableResult
public func initialise(
    _ variant: String, to output: String, options: ModelOptions = ModelOptions(),
    form: OutputForm = OutputForm()
) throws -> (configuration: ViTConfiguration, byteCount: Int) {
    let location = try OutputLocation(output, form)
    guard let row = ViTVariant.named(variant) else {
        throw ToolkitError.unknownVariant(variant, candidates: ViTVariant.candidates(for: variant))
    }
    var configuration = row.configuration
    configuration.classes = options.classes ?? configuration.classes
    configuration.imageSize = options.imageSize ?? configuration.imageSize
    if options.dropsPreLogits { configuration.preLogits = nil }
    try configuration.validate()
    let tensors = try ViTInitialisation(configuration, seed: options.seed).parameters().map {
        NamedTensor($0.name, try $0.tensor.converted(to: options.dtype ?? .f32))
    }
    let outgoing = try OutgoingModel(tensors, configuration, to: location, form)
    let byteCount = try location.write(outgoing.sidecars) { file in
        try outgoing.write(
            to: file, metadata: SwtMetadata.of(configuration, variant: variant, seed: options.seed))
        return file.count
    }
    return (configuration, byteCount)
}
