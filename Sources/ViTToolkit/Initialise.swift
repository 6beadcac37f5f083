import Checkpoints
import TensorCore
import ViT

/// Writes a freshly initialised model of a known variant; the same seed gives the same bytes.
///
/// - Parameters:
///   - variant: a name of `ViTVariant.all`.
///   - output: the file to write, or a folder; its ending says the container.
///   - form: the names in which the tensors are written.
///   - options: `classes`, `imageSize`, `dtype` and `seed` are heeded.
/// - Returns: the configuration, the file's size in bytes, and what the user should hear of the names written.
/// - Throws: `ToolkitError.unknownVariant`; `CheckpointError` when the file cannot be written.
@discardableResult
public func initialise(
    _ variant: String, to output: String, options: ModelOptions = ModelOptions(),
    form: OutputForm = OutputForm()
) throws -> (configuration: ViTConfiguration, byteCount: Int, remarks: [String]) {
    guard let row = ViTVariant.named(variant) else {
        throw ToolkitError.unknownVariant(variant, candidates: ViTVariant.candidates(for: variant))
    }
    var configuration = row.configuration
    configuration.classes = options.classes ?? configuration.classes
    configuration.imageSize = options.imageSize ?? configuration.imageSize
    if options.dropsPreLogits { configuration.preLogits = nil }
    let written = try initialise(configuration, named: variant, to: output, options: options, form: form)
    return (configuration, written.byteCount, written.remarks)
}

/// Writes a freshly initialised model of any configuration; of the options `dtype` and `seed` are heeded.
package func initialise(
    _ configuration: ViTConfiguration, named name: String, to output: String, options: ModelOptions,
    form: OutputForm
) throws -> (byteCount: Int, remarks: [String]) {
    let location = try OutputLocation(output, form)
    try configuration.validate()
    let tensors = try ViTInitialisation(configuration, seed: options.seed).parameters().map {
        NamedTensor($0.name, try $0.tensor.converted(to: options.dtype ?? .f32))
    }
    let outgoing = try OutgoingModel(tensors, configuration, to: location, form)
    let byteCount = try location.write(outgoing.sidecars) { file in
        try outgoing.write(
            to: file, metadata: SwtMetadata.of(configuration, variant: name, seed: options.seed))
        return file.count
    }
    return (byteCount, outgoing.remarks)
}
