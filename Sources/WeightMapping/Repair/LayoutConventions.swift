/// Kernels that stand transposed under shapes that do not show it.
public enum TransposedKernels: String, Sendable, CaseIterable {
    /// The projection behind the attention.
    case projection = "attn.proj"
    /// The maps to queries, keys and values, each by itself.
    case qkv = "attn.qkv"
    /// Every square one: both of the above, a square pre-logits layer, a square head.
    case square
    /// Height and width of the patch embedding's kernel.
    case patch = "patch_embed"
}

/// How the rows of a position embedding are arranged, where it is not the model's own way.
public enum PositionArrangement: String, Sendable, CaseIterable {
    /// The row of the class token is the last one, behind those of the patches.
    case classLast = "class-last"
    /// Positions are added to the patches only; what stands in the class token's row is of no use.
    case classAbsent = "class-absent"
    /// The patches' rows are in column-major order.
    case transposed
    /// No positions are added at all.
    case none
}
