import Checkpoints
import Parity
import TensorCore
import ViT
import WeightMapping

/// A file that a conversion can write, by its name's ending.
public enum OutputFormat: Sendable, CaseIterable {
    /// Safetensors with everything that the forward pass needs; see the README.
    case swt
    /// Plain safetensors with the canonical names, which are timm's.
    case safetensors
    /// NumPy's archive of arrays with the canonical names.
    case npz

    /// - Throws: `ToolkitError.unknownOutput`.
    init(path: String) throws {
        if path.hasSuffix(".swt") {
            self = .swt
        } else if path.hasSuffix(".safetensors") {
            self = .safetensors
        } else if path.hasSuffix(".npz") {
            self = .npz
        } else {
            throw ToolkitError.unknownOutput(path)
        }
    }
}

/// What a conversion did.
public struct Conversion: Sendable {
    /// The model that was written.
    public let model: PreparedModel
    /// The size of the file that was written, in bytes.
    public let byteCount: Int
    /// The SHA-256 of the source, in hexadecimal.
    public let sourceDigest: String
    /// The comparisons with the references that were given.
    public let reports: [ParityReport]
}

/// Converts a checkpoint into a file in canonical names, whole or not at all.
///
/// With references, the written bytes are verified before they take the output's place.
///
/// - Parameters:
///   - output: ends in `.swt`, `.safetensors` or `.npz`.
///   - references: paths of reference files, `.npz` or `.safetensors`.
///   - tolerance: how far the logits may lie apart; by default what the stored type allows.
/// - Throws: `CheckpointError`, `MappingError`, `ViTError`, `ParityError` or `ToolkitError`; then nothing was
///   written and what stood at `output` is untouched.
@discardableResult
public func convert(
    _ checkpoint: Checkpoint, to output: String, options: ModelOptions = ModelOptions(),
    references: [String] = [], tolerance: ToleranceOptions = ToleranceOptions()
) throws -> Conversion {
    let format = try OutputFormat(path: output)
    if let existing = try? OpenFile(path: output),
        checkpoint.files.contains(where: { $0.identity == existing.identity })
    {
        throw ToolkitError.outputIsInput(output)
    }
    let prepared = try PreparedModel(checkpoint, options: options)
    let file = try AtomicFile(replacing: output)
    let digest = BackgroundDigest(of: checkpoint.files)
    let tensors = prepared.parameters.map { NamedTensor($0.name, $0.view) }
    let sha256: String
    do {
        switch format {
        case .npz: try NpzWriter.write(tensors, to: file)
        case .safetensors: try SafetensorsWriter.write(tensors, metadata: [("format", "pt")], to: file)
        case .swt:
            try SafetensorsWriter.write(
                tensors, metadata: SwtMetadata.of(prepared, sha256: SwtMetadata.noDigest), to: file)
        }
        sha256 = try digest.value()
        if format == .swt {
            let header = try SafetensorsWriter.header(
                of: tensors, metadata: SwtMetadata.of(prepared, sha256: sha256))
            try file.overwrite(header.bytes, at: 0)
        }
    } catch {
        throw CheckpointError(error, path: checkpoint.path)
    }
    var reports: [ParityReport] = []
    if !references.isEmpty {
        let written = try Checkpoint(bytes: try file.written(), named: output)
        let verified = try PreparedModel(written, options: prepared.restated)
        reports = try references.map {
            try verify(verified, reference: $0, tolerance: tolerance).report
        }
        guard reports.allSatisfy(\.passed) else { throw ToolkitError.parityFailed(reports) }
    }
    try file.commit()
    return Conversion(model: prepared, byteCount: file.count, sourceDigest: sha256, reports: reports)
}

extension PreparedModel {
    /// What a container without a configuration has to be told when it is read back.
    fileprivate var restated: ModelOptions {
        var options = ModelOptions()
        options.heads = configuration.heads
        options.imageSize = configuration.imageSize
        options.gelu = configuration.gelu
        options.layerNormEpsilon = configuration.layerNormEpsilon
        options.pooling = configuration.pooling == .attention ? nil : configuration.pooling
        return options
    }
}
