import Checkpoints
import Parity
import TensorCore

/// How far results may lie apart, as far as the user sets it; the rest follows from the stored type.
public struct ToleranceOptions: Sendable {
    /// The largest |a − b| of logits.
    public var absolute: Double?
    /// The largest |a − b| as a part of |b|.
    public var relative: Double?

    /// The type in which the reference was computed, where it is narrower than the stored one.
    public var referenceDType: DType?

    /// Leaves both to the stored type.
    ///
    /// - Parameters:
    ///   - absolute: the largest |a − b|; nil leaves it to the type.
    ///   - relative: the largest |a − b| as a part of |b|; nil likewise.
    ///   - referenceDType: the type in which the reference was computed, where it is narrower.
    public init(absolute: Double? = nil, relative: Double? = nil, referenceDType: DType? = nil) {
        self.absolute = absolute
        self.relative = relative
        self.referenceDType = referenceDType
    }

    /// The tolerance for parameters stored in `dtype`, or the reference's type if that was given.
    func tolerance(for dtype: DType) -> Tolerance {
        Tolerance(dtype: referenceDType ?? dtype, absolute: absolute, relative: relative)
    }
}

/// What a verification found.
public struct Verification: Sendable {
    /// The comparison.
    public let report: ParityReport
    /// The tolerance that held.
    public let tolerance: Tolerance
    /// What the model computed: the logits and, where asked for, every activation, in execution order.
    public let computed: [(name: String, tensor: FloatTensor)]
    /// What the user should hear about the comparison.
    public var remarks: [String] = []
}

/// Runs a model on a reference's input and compares what it computes, activation by activation.
///
/// - Parameters:
///   - prepared: the model.
///   - path: the reference, an `.npz` or `.safetensors` with `input`, `logits` and any activations by their names; for an
///     encoder–decoder Transformer with `src`, `tgt`, any masks under torch's names, and `output`.
///   - tolerance: how far results may lie apart; by default what the stored type allows.
///   - form: how the reference's images and outputs stand to the model's input and logits.
///   - keepsActivations: whether every activation is kept in the result, besides being compared; attention maps are
///     among them, as `blocks.0.attn.attn_drop`.
///   - filter: a shell pattern; of the activations those are kept whose names match it.
/// - Throws: `CheckpointError` when the reference cannot be read, `ParityError` when it lacks what is needed,
///   `ViTError` or `TransformerError` when its input does not fit the model, `ToolkitError.usage` when no activation
///   matches the pattern.
public func verify(
    _ prepared: PreparedModel, reference path: String, tolerance: ToleranceOptions = ToleranceOptions(),
    form: ReferenceForm = ReferenceForm(), keepsActivations: Bool = false, filter: String? = nil
) throws -> Verification {
    let file = try Checkpoint(path: path, remote: .whole)
    return try ToolkitError.inFile(file.path) {
        let request = VerificationRequest(
            prepared: prepared, reference: file, tolerance: tolerance.tolerance(for: prepared.storedDType),
            form: form, keepsActivations: keepsActivations, filter: filter)
        return try prepared.modelConfiguration.verify(request)
    }
}

/// Saves what a verification computed as an `.npz`.
///
/// - Parameters:
///   - computed: tensors and their names, which become those of the members.
///   - path: the file; it appears whole or not at all.
/// - Throws: `CheckpointError` when the file cannot be written.
public func save(_ computed: [(name: String, tensor: FloatTensor)], to path: String) throws {
    let file = try AtomicFile(replacing: path)
    let tensors = try computed.map { entry in
        let bytes = entry.tensor.values.withUnsafeBytes { ByteRegion([UInt8]($0)) }
        return NamedTensor(
            entry.name,
            try TensorView(storage: .bytes(bytes, .little), dtype: .f32, shape: entry.tensor.shape))
    }
    try NpzWriter.write(tensors, to: file)
    try file.commit()
}
