import Checkpoints
import Parity
import TensorCore
import ViT
import WeightMapping

/// What a conversion did.
public struct Conversion: Sendable {
    /// The model that was written.
    public let model: PreparedModel
    /// The size of the file that was written, in bytes.
    public let byteCount: Int
    /// The SHA-256 of the source, in hexadecimal.
    public let sourceDigest: String
    /// The naming scheme of the tensors that were written.
    public let scheme: String
    /// What the user should hear about what was written.
    public let remarks: [String]
    /// The comparisons with the references that were given.
    public let reports: [ParityReport]
}

/// Converts a checkpoint into a file of another form, whole or not at all.
///
/// With references, the written bytes are verified before they take the output's place.
///
/// - Parameters:
///   - checkpoint: what is converted.
///   - output: its ending says what to write: see ``OutputFormat``. In the names of transformers also a folder,
///     which then holds `model.safetensors` and `config.json`.
///   - options: what shapes cannot tell, and what is to be changed.
///   - form: the names in which the tensors are written, and how.
///   - references: paths of reference files, `.npz` or `.safetensors`.
///   - tolerance: how far the logits may lie apart; by default what the stored type allows.
///   - referenceForm: how the references' images and outputs stand to the model's input and logits.
/// - Throws: `CheckpointError`, `MappingError`, `ViTError`, `ParityError` or `ToolkitError`; then nothing was
///   written and what stood at `output` is untouched.
@discardableResult
public func convert(
    _ checkpoint: Checkpoint, to output: String, options: ModelOptions = ModelOptions(),
    form: OutputForm = OutputForm(), references: [String] = [],
    tolerance: ToleranceOptions = ToleranceOptions(), referenceForm: ReferenceForm = ReferenceForm()
) throws -> Conversion {
    let location = try OutputLocation(output, form)
    try location.prove(isNotPartOf: checkpoint, [])
    // First of all, for nothing else takes as long; but what cannot be converted is not fetched for it.
    let early = checkpoint.isPartial ? nil : BackgroundDigest(of: checkpoint.files)
    defer { early?.cancel() }
    let prepared = try PreparedModel(checkpoint, options: options)
    try prepared.proveSafe(options)
    let outgoing = try prepared.outgoing(to: location, form)
    try location.prove(isNotPartOf: checkpoint, outgoing.sidecars, others: references)
    try checkpoint.fetch()
    let digest = early ?? BackgroundDigest(of: checkpoint.files)
    defer { digest.cancel() }
    return try location.write(outgoing.sidecars) { file in
        let sha256: String
        do {
            try outgoing.write(to: file, metadata: SwtMetadata.of(prepared, sha256: SwtMetadata.noDigest))
            // The disk is busy for longer than the digest of the source takes from here on.
            try file.flush()
            sha256 = try digest.value()
            if outgoing.format == .swt {
                let header = try SafetensorsWriter.header(
                    of: outgoing.tensors, metadata: SwtMetadata.of(prepared, sha256: sha256))
                try file.overwrite(header.bytes, at: 0)
            }
        } catch {
            throw CheckpointError(error, path: checkpoint.path)
        }
        var reports: [ParityReport] = []
        var remarks = outgoing.remarks
        if !references.isEmpty {
            let written = try Checkpoint(bytes: try file.written(), named: location.path)
            let verified = try PreparedModel(written, options: prepared.restated(in: outgoing.scheme))
            let verifications = try references.map {
                try verify(verified, reference: $0, tolerance: tolerance, form: referenceForm)
            }
            reports = verifications.map(\.report)
            remarks += verifications.flatMap(\.remarks)
            guard reports.allSatisfy(\.passed) else { throw ToolkitError.parityFailed(reports) }
        }
        try checkpoint.proveUnchanged()
        return Conversion(
            model: prepared, byteCount: file.count, sourceDigest: sha256, scheme: outgoing.scheme.name,
            remarks: remarks, reports: reports)
    }
}

extension PreparedModel {
    /// The model as it would be written.
    ///
    /// - Throws: `ToolkitError` or `MappingError` when it cannot be written so.
    package func outgoing(to output: String, form: OutputForm = OutputForm()) throws -> OutgoingModel {
        try outgoing(to: OutputLocation(output, form), form)
    }

    fileprivate func outgoing(to location: OutputLocation, _ form: OutputForm) throws -> OutgoingModel {
        try OutgoingModel(
            parameters.map { NamedTensor($0.name, $0.view) }, modelConfiguration, to: location, form)
    }

    /// - Throws: `ToolkitError.unsafeSource` when loading the checkpoint in Python would run code and `options` do not
    ///   allow for that.
    package func proveSafe(_ options: ModelOptions) throws {
        if !options.allowsUnsafeSource { _ = try checkpoint.safetyRemarks(refusingDanger: true) }
    }

    /// What a container without a configuration has to be told when it is read back.
    fileprivate func restated(in scheme: NamingScheme) -> ModelOptions {
        var options = modelConfiguration.restated
        options.rules = scheme
        return options
    }
}
