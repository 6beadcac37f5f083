import Layers
import TensorCore

/// An encoder–decoder Transformer, ready to run (Vaswani et al., arXiv 1706.03762), as `torch.nn.Transformer` has it.
///
/// It takes and gives vectors: what makes them of tokens, and tokens of them, is ``TokenTransformer``'s. 32-bit
/// parameters stay where they are, in the mapped file. One model may be used by several threads at once.
public final class Transformer: Sendable {
    /// What the model looks like.
    public let configuration: TransformerConfiguration
    private let encoder: [EncoderLayer]
    private let encoderNorm: LayerNorm?
    private let decoder: [DecoderLayer]
    private let decoderNorm: LayerNorm?
    private let workspaces = WorkspacePool()
    /// The bytes of the parameters that were widened or put in order when the model was made; the others are borrowed.
    package let copiedByteCount: Int

    /// A model over parameters under torch's names.
    ///
    /// - Throws: `TransformerError.configuration`; `ParameterError` with every parameter that is missing, has
    ///   another shape or is not the model's; whatever reading the values throws.
    public init(configuration: TransformerConfiguration, parameters: [String: TensorView]) throws {
        try configuration.validate()
        let source = try ParameterSource(parameters, for: configuration.parameters)
        let epsilon = Float(configuration.layerNormEpsilon)
        self.configuration = configuration
        encoder = try (0..<configuration.encoderDepth).map {
            try EncoderLayer("encoder.layers.\($0)", source, configuration)
        }
        encoderNorm = try source.optionalNorm("encoder.norm", epsilon: epsilon)
        decoder = try (0..<configuration.decoderDepth).map {
            try DecoderLayer("decoder.layers.\($0)", source, configuration)
        }
        decoderNorm = try source.optionalNorm("decoder.norm", epsilon: epsilon)
        copiedByteCount = source.copiedByteCount
    }

    /// What the decoder makes of a target, `[batch, target tokens, width]`, given a source `[batch, tokens, width]`.
    ///
    /// - Parameters:
    ///   - source: `[batch, source tokens, width]`, embedded.
    ///   - target: `[batch, target tokens, width]`, embedded.
    ///   - masks: what is hidden from whom.
    /// - Throws: `TransformerError.input` when the shapes are not the model's or do not go together;
    ///   `TensorError.incompatible` when a mask fits neither.
    public func forward(
        source: FloatTensor, target: FloatTensor, masks: TransformerMasks = TransformerMasks()
    ) throws -> FloatTensor {
        var trace: ActivationTrace?
        return try forward(source, target, masks, &trace)
    }

    /// The same; keeps in `trace` the intermediate results that it wants.
    ///
    /// Their names are those of torch's modules: for each layer of `encoder.layers` and `decoder.layers` `self_attn`
    /// and `multihead_attn` (what comes out of them, `[B, tokens, width]`; also `self_attn.qkv`, and the weights as
    /// `self_attn.attn_drop` `[B, heads, tokens, keys]`), `linear1`, `dropout` (behind the activation), `linear2`,
    /// `dropout1`…`dropout3`, `norm1`…`norm3` and the layer itself; then `encoder.norm`, `encoder`, `decoder.norm`,
    /// `decoder`.
    ///
    /// - Parameters:
    ///   - source: `[batch, source tokens, width]`, embedded.
    ///   - target: `[batch, target tokens, width]`, embedded.
    ///   - masks: what is hidden from whom.
    ///   - trace: what it wants is kept in it, in the order of the walk.
    /// - Throws: as ``forward(source:target:masks:)``.
    public func forward(
        source: FloatTensor, target: FloatTensor, masks: TransformerMasks = TransformerMasks(),
        trace: inout ActivationTrace
    ) throws -> FloatTensor {
        var optional: ActivationTrace? = trace
        let result = try forward(source, target, masks, &optional)
        trace = optional ?? trace
        return result
    }

    /// The encoder's output for a source `[batch, tokens, width]`, the decoder's memory, of the same shape.
    ///
    /// - Parameters:
    ///   - source: `[batch, source tokens, width]`, embedded.
    ///   - masks: what is hidden from whom.
    /// - Throws: as ``forward(source:target:masks:)``.
    public func encode(
        _ source: FloatTensor, masks: TransformerMasks = TransformerMasks()
    ) throws -> FloatTensor {
        var trace: ActivationTrace?
        return try encode(source, masks, &trace)
    }

    /// What the decoder makes of a target `[batch, tokens, width]`, given the encoder's output.
    ///
    /// - Parameters:
    ///   - target: `[batch, target tokens, width]`, embedded.
    ///   - memory: `[batch, source tokens, width]`, the encoder's output.
    ///   - masks: what is hidden from whom.
    /// - Throws: as ``forward(source:target:masks:)``.
    public func decode(
        _ target: FloatTensor, memory: FloatTensor, masks: TransformerMasks = TransformerMasks()
    ) throws -> FloatTensor {
        var trace: ActivationTrace?
        return try decode(target, memory, masks, &trace)
    }

    private func forward(
        _ source: FloatTensor, _ target: FloatTensor, _ masks: TransformerMasks,
        _ trace: inout ActivationTrace?
    ) throws -> FloatTensor {
        try check("source", source)
        try check("target", target, batch: source.shape[0])
        let memory = try encode(source, masks, &trace)
        return try decode(target, memory, masks, &trace)
    }

    private func encode(
        _ source: FloatTensor, _ masks: TransformerMasks, _ trace: inout ActivationTrace?
    ) throws -> FloatTensor {
        try check("source", source)
        let (batch, tokens) = (source.shape[0], source.shape[1])
        try masks.source?.requireFit(
            images: batch, heads: configuration.heads, queries: tokens, keys: tokens)
        var result = source
        run(&result, &trace) { x, pass in
            for layer in encoder { layer(x, mask: masks.source, pass) }
            masks.clearRows(of: x)
            if let encoderNorm {
                encoderNorm(x, into: x)
                pass.keep("encoder.norm", x)
            }
            pass.keep("encoder", x)
        }
        return result
    }

    private func decode(
        _ target: FloatTensor, _ memory: FloatTensor, _ masks: TransformerMasks,
        _ trace: inout ActivationTrace?
    ) throws -> FloatTensor {
        try check("memory", memory)
        try check("target", target, batch: memory.shape[0])
        let (batch, tokens) = (target.shape[0], target.shape[1])
        try masks.target?.requireFit(
            images: batch, heads: configuration.heads, queries: tokens, keys: tokens)
        try masks.memory?.requireFit(
            images: batch, heads: configuration.heads, queries: tokens, keys: memory.shape[1])
        var (result, memory) = (target, memory)
        run(&result, &trace) { x, pass in
            memory.withMatrix { memory in
                for layer in decoder {
                    layer(x, memory: memory, mask: masks.target, memoryMask: masks.memory, pass)
                }
            }
            if let decoderNorm {
                decoderNorm(x, into: x)
                pass.keep("decoder.norm", x)
            }
            pass.keep("decoder", x)
        }
        return result
    }

    private func check(_ name: String, _ tensor: FloatTensor, batch: Int? = nil) throws(TransformerError) {
        let shape = tensor.shape
        guard shape.rank == 3, shape[0] > 0, shape[1] > 0, shape[2] == configuration.width,
            batch == nil || batch == shape[0], shape[0] * shape[1] <= Int32.max / 4
        else {
            let first = batch.map(String.init) ?? "batch"
            throw .input(name, expected: "[\(first), tokens, \(configuration.width)]", found: shape)
        }
    }

    /// Runs some layers in place over tokens `[batch, tokens, width]`.
    private func run(
        _ x: inout FloatTensor, _ trace: inout ActivationTrace?, _ body: (Matrix, ForwardPass) -> Void
    ) {
        let batch = x.shape[0]
        withExtendedLifetime(self) {
            workspaces.withWorkspace { workspace in
                let pass = ForwardPass(batch: batch, workspace: workspace, trace: trace)
                x.withMatrix { body($0, pass) }
                trace = pass.trace
            }
        }
    }
}

extension FloatTensor {
    /// Lends the elements as rows of the last axis; nothing is done where there are none.
    fileprivate mutating func withMatrix(_ body: (Matrix) -> Void) {
        let columns = shape.dimensions.last ?? 1
        values.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, columns > 0 else { return }
            body(Matrix(start, rows: buffer.count / columns, columns: columns))
        }
    }
}
