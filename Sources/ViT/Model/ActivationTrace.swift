import TensorCore

/// The intermediate results of a forward pass, in the order in which they were computed.
///
/// Names are those of timm's modules whose output the tensor is: `patch_embed` [B, patches, width], `pos_drop`
/// (tokens after the position embedding, [B, tokens, width]), `norm_pre`, and for each block `norm1`,
/// `attn.qkv`, `attn.q_norm` and `attn.k_norm` [B, heads, tokens, head], `attn.attn_drop` (attention weights,
/// [B, heads, tokens, tokens]), `attn.proj`, `attn`, `ls1`, `norm2`, `mlp.fc1` (`mlp.fc1_g`, `mlp.fc1_x`),
/// `mlp.act`, `mlp.norm`, `mlp.fc2`, `mlp`, `ls2` and the block itself; then `norm`, `attn_pool` and its parts,
/// `fc_norm`, `pre_logits.fc`, `pre_logits.act`, `pre_logits`, `head`, `head_dist` [B, …] and `logits`.
public struct ActivationTrace: Sendable {
    /// One intermediate result.
    public struct Activation: Sendable, Equatable {
        /// The module whose output it is.
        public let name: String
        /// The values, row-major.
        public let tensor: FloatTensor
    }

    /// What was kept, in the order of execution.
    public private(set) var activations: [Activation] = []
    private let isWanted: @Sendable (String) -> Bool

    /// Keeps what `isWanted` says, by name; memory is one tensor for each.
    public init(where isWanted: @escaping @Sendable (String) -> Bool) {
        self.isWanted = isWanted
    }

    /// Keeps everything but the attention weights, which grow with the square of the number of tokens.
    public init() {
        self.init { !$0.hasSuffix(".attn_drop") }
    }

    /// Keeps the activations of these names.
    public init(names: Set<String>) {
        self.init { names.contains($0) }
    }

    /// The activation of this name, or nil.
    public subscript(name: String) -> FloatTensor? {
        activations.last { $0.name == name }?.tensor
    }

    func wants(_ name: String) -> Bool { isWanted(name) }

    mutating func append(_ name: String, _ tensor: FloatTensor) {
        activations.append(Activation(name: name, tensor: tensor))
    }
}
