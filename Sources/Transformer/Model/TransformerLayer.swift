import Layers

/// A branch beside the residual stream, and its norm: behind the addition, or before the branch.
struct Residual: Sendable {
    let name: String
    let norm: LayerNorm
    let isFirst: Bool

    init(_ name: String, _ parameters: ParameterSource, _ configuration: TransformerConfiguration) throws {
        self.name = name
        norm = try parameters.norm(name, epsilon: Float(configuration.layerNormEpsilon))
        isFirst = configuration.normFirst
    }

    /// x ← norm(x + branch(x)), or x + branch(norm(x)); the branch adds itself to x.
    func callAsFunction(_ x: Matrix, _ pass: ForwardPass, branch: (Matrix) -> Void) {
        guard isFirst else {
            branch(x)
            norm(x, into: x)
            pass.keep(name, x)
            return
        }
        let normed = pass.workspace.matrix(.normed, rows: x.rowCount, columns: x.columnCount)
        norm(x, into: normed)
        pass.keep(name, normed)
        branch(normed)
    }
}

/// One layer of the encoder: self-attention, then the feed-forward part (torch's `TransformerEncoderLayer`).
struct EncoderLayer: Sendable {
    let name: String
    let attention: Attention
    let feedForward: FeedForward
    let norms: [Residual]

    init(_ name: String, _ parameters: ParameterSource, _ configuration: TransformerConfiguration) throws {
        self.name = name
        attention = try Attention("\(name).self_attn", parameters, configuration, dropout: "\(name).dropout1")
        feedForward = try FeedForward(name, parameters, configuration, dropout: "dropout2")
        norms = try (1...2).map { try Residual("\(name).norm\($0)", parameters, configuration) }
    }

    /// x ← layer(x), for tokens [B · tokens, width].
    func callAsFunction(_ x: Matrix, mask: AttentionMask?, _ pass: ForwardPass) {
        norms[0](x, pass) { attention($0, mask: mask, addingTo: x, pass) }
        norms[1](x, pass) { feedForward($0, addingTo: x, pass) }
        pass.keep(name, x)
    }
}

/// One layer of the decoder: self-attention, attention over the encoder's output, then the feed-forward part
/// (torch's `TransformerDecoderLayer`).
struct DecoderLayer: Sendable {
    let name: String
    let attention: Attention
    let memoryAttention: Attention
    let feedForward: FeedForward
    let norms: [Residual]

    init(_ name: String, _ parameters: ParameterSource, _ configuration: TransformerConfiguration) throws {
        self.name = name
        attention = try Attention("\(name).self_attn", parameters, configuration, dropout: "\(name).dropout1")
        memoryAttention = try Attention(
            "\(name).multihead_attn", parameters, configuration, dropout: "\(name).dropout2")
        feedForward = try FeedForward(name, parameters, configuration, dropout: "dropout3")
        norms = try (1...3).map { try Residual("\(name).norm\($0)", parameters, configuration) }
    }

    /// x ← layer(x, memory), for tokens [B · tokens, width] and the encoder's output [B · source tokens, width].
    func callAsFunction(
        _ x: Matrix, memory: Matrix, mask: AttentionMask?, memoryMask: AttentionMask?, _ pass: ForwardPass
    ) {
        norms[0](x, pass) { attention($0, mask: mask, addingTo: x, pass) }
        norms[1](x, pass) { memoryAttention(memory, asking: $0, mask: memoryMask, addingTo: x, pass) }
        norms[2](x, pass) { feedForward($0, addingTo: x, pass) }
        pass.keep(name, x)
    }
}

extension Attention {
    /// torch's `MultiheadAttention`, with the parameters below `name`; it leaves through the module `dropout`.
    init(
        _ name: String, _ parameters: ParameterSource, _ configuration: TransformerConfiguration,
        dropout: String
    ) throws {
        self.init(
            name,
            qkv: Linear(
                weight: try parameters.parameter("\(name).in_proj_weight"),
                bias: try parameters.optional("\(name).in_proj_bias")),
            projection: try BranchEnd(
                parameters, linear: "\(name).out_proj", module: name, branch: dropout),
            heads: configuration.heads, scale: Float(1 / Double(configuration.headWidth).squareRoot()))
    }
}
