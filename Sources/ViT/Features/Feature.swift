import Layers
import TensorCore

extension VisionTransformer {
    /// Something inside a model that can be asked for. Blocks are counted from 0, or from the end: −1 is the last.
    public enum Feature: Sendable, Hashable {
        /// All tokens as a block leaves them, `[batch, tokens, width]`: class token, distillation token, registers,
        /// then patches row by row.
        case tokens(block: Int)
        /// The class token, `[batch, width]`.
        case classToken(block: Int)
        /// The tokens in front of the patches, `[batch, prefix, width]`.
        case prefixTokens(block: Int)
        /// The patches' tokens, `[batch, patches, width]`.
        case patchTokens(block: Int)
        /// The patches' tokens as a picture, `[batch, width, rows, columns]`.
        case patchMap(block: Int)
        /// The attention weights of each head, `[batch, heads, tokens, tokens]`: how much each token (a row) takes of
        /// each.
        case attention(block: Int)
        /// How much the class token takes of each patch, by head and as a picture, `[batch, heads, rows, columns]`.
        case classAttention(block: Int)

        var block: Int {
            switch self {
            case .tokens(let block), .classToken(let block), .prefixTokens(let block),
                .patchTokens(let block),
                .patchMap(let block), .attention(let block), .classAttention(let block):
                block
            }
        }

        var needsClassToken: Bool {
            switch self {
            case .classToken, .classAttention: true
            default: false
            }
        }

        var isAttention: Bool {
            switch self {
            case .attention, .classAttention: true
            default: false
            }
        }
    }

    /// What a block put out, in the form of timm's `forward_intermediates`.
    public struct Intermediate: Sendable, Equatable {
        /// The block, counted from 0.
        public let block: Int
        /// The patches as a picture, `[batch, width, rows, columns]`.
        public let patches: FloatTensor
        /// The tokens in front of the patches, `[batch, prefix, width]`; nil where there are none.
        public let prefix: FloatTensor?
    }
}
