import Layers
import TensorCore

/// What the three attentions of a Transformer do not see; nil where they see everything.
public struct TransformerMasks: Sendable, Equatable {
    /// Of the encoder's self-attention.
    public var source: AttentionMask?
    /// Of the decoder's self-attention.
    public var target: AttentionMask?
    /// Of the decoder's attention over the encoder's output.
    public var memory: AttentionMask?
    /// Tokens of the source whose rows are 0 before the encoder's last norm, sentence by sentence.
    ///
    /// torch computes the rows of padding like all others; but in evaluation mode, without gradients, with
    /// `batch_first=True` and a padding mask its encoder takes a fast path that leaves them out, and has zeros there.
    /// A decoder that is not told of the padding (`memory_key_padding_mask`) then sees other rows.
    public var clearedSource: [Bool]?

    /// No masks.
    public init() {}

    /// The masks of padded sentences, and of a decoder that sees no later position.
    ///
    /// - Parameters:
    ///   - sourcePadding: for each sentence as many booleans as the source has tokens; true is padding. Hidden from
    ///     the encoder and from the decoder's attention over its output.
    ///   - targetPadding: the same of the target.
    ///   - causalLength: the number of the target's tokens, when none shall see a later one.
    /// - Throws: `TensorError.incompatible` when the masks are uneven or do not go together.
    public init(
        sourcePadding: [[Bool]]? = nil, targetPadding: [[Bool]]? = nil, causalLength: Int? = nil
    ) throws(TensorError) {
        if let sourcePadding {
            source = try .padding(sourcePadding)
            memory = source
        }
        if let causalLength { target = try .causal(queries: causalLength, keys: causalLength) }
        if let targetPadding {
            let padding = try AttentionMask.padding(targetPadding)
            target = try target?.combined(with: padding) ?? padding
        }
    }

    func clearRows(of x: Matrix) {
        guard let clearedSource else { return }
        for (row, isCleared) in clearedSource.enumerated() where isCleared && row < x.rowCount {
            (x.start + row * x.stride).update(repeating: 0, count: x.columnCount)
        }
    }
}
