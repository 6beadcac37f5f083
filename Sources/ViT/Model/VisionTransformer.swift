import Layers
import TensorCore

/// A Vision Transformer, ready to run (Dosovitskiy et al., arXiv 2010.11929).
///
/// 32-bit parameters stay where they are, in the mapped file; narrower ones are widened when it is made.
/// One model may be used by several threads at once.
public final class VisionTransformer: Sendable {
    /// What the model looks like.
    public let configuration: ViTConfiguration
    let patchEmbed: PatchEmbed
    let tokenEmbedding: TokenEmbedding
    let normPre: LayerNorm?
    let blocks: [Block]
    let pooling: FeaturePooling
    let heads: [(name: String, linear: Linear)]
    let workspaces = WorkspacePool()
    /// The bytes of the parameters that were widened or put in order when the model was made; the others are borrowed.
    package let copiedByteCount: Int

    /// A model over parameters under their canonical names.
    ///
    /// - Throws: `ViTError.configuration`; `ParameterError` with every parameter that is missing, has
    ///   another shape or is not the model's; whatever reading the values throws.
    public init(configuration: ViTConfiguration, parameters: [String: TensorView]) throws {
        try configuration.validate()
        let source = try ParameterSource(parameters, for: configuration.parameters)
        self.configuration = configuration
        patchEmbed = try PatchEmbed(source, configuration)
        tokenEmbedding = try TokenEmbedding(source, configuration)
        normPre = try source.optionalNorm("norm_pre", epsilon: Float(configuration.layerNormEpsilon))
        blocks = try (0..<configuration.depth).map { try Block("blocks.\($0)", source, configuration) }
        pooling = try FeaturePooling(source, configuration)
        let names =
            configuration.classes == 0 ? [] : configuration.distilled ? ["head", "head_dist"] : ["head"]
        heads = try names.map { ($0, try source.linear($0)) }
        copiedByteCount = source.copiedByteCount
    }

    /// The logits `[batch, classes]` of images `[batch, channels, height, width]`.
    ///
    /// A distilled model gives the mean of its two heads; a model without a head gives the features.
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - mask: what each block's attention adds to its scores, or nil; tokens are the class token, the distillation
    ///     token, registers and patches, in this order.
    /// - Throws: `ViTError` when the input or the mask has another shape than the model takes.
    public func forward(_ images: FloatTensor, mask: AttentionMask? = nil) throws(ViTError) -> FloatTensor {
        var trace: ActivationTrace?
        return Self.joined(try run(images, trace: &trace, mask: mask, to: logits))
    }

    /// The same; keeps in `trace` the intermediate results that it wants.
    ///
    /// Their names are timm's: `patch_embed` [B, patches, width], `pos_drop` (tokens after the position embedding,
    /// [B, tokens, width]), `norm_pre`, and for each block `norm1`, `attn.qkv`, `attn.q_norm` and `attn.k_norm` [B,
    /// heads, tokens, head], `attn.attn_drop` (attention weights, [B, heads, tokens, tokens]), `attn.proj`, `attn`,
    /// `ls1`, `norm2`, `mlp.fc1` (`mlp.fc1_g`, `mlp.fc1_x`), `mlp.act`, `mlp.norm`, `mlp.fc2`, `mlp`, `ls2` and the
    /// block itself; then `norm`, `attn_pool` and its parts, `fc_norm`, `pre_logits.fc`, `pre_logits.act`,
    /// `pre_logits`, `head`, `head_dist` [B, …] and `logits`.
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - trace: what it wants is kept in it, in the order of the walk.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Throws: `ViTError` when the input or the mask has another shape than the model takes.
    public func forward(
        _ images: FloatTensor, trace: inout ActivationTrace, mask: AttentionMask? = nil
    ) throws(ViTError) -> FloatTensor {
        var optional: ActivationTrace? = trace
        let result = Self.joined(try run(images, trace: &optional, mask: mask, to: logits))
        trace = optional ?? trace
        return result
    }

    /// What the head takes, `[batch, features]`: the class row after the last norm (or the pooled patches), after
    /// the pre-logits where there are some. A distilled model gives class and distillation row, `[batch, 2, width]`.
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Throws: `ViTError` when the input has another shape than the model takes.
    public func forwardFeatures(_ images: FloatTensor, mask: AttentionMask? = nil) throws(ViTError)
        -> FloatTensor
    {
        var trace: ActivationTrace?
        return Self.joined(try run(images, trace: &trace, mask: mask, to: features))
    }

    /// The same; keeps in `trace` the intermediate results that it wants.
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - trace: what it wants is kept in it, in the order of the walk.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Throws: `ViTError` when the input or the mask has another shape than the model takes.
    public func forwardFeatures(
        _ images: FloatTensor, trace: inout ActivationTrace, mask: AttentionMask? = nil
    ) throws(ViTError) -> FloatTensor {
        var optional: ActivationTrace? = trace
        let result = Self.joined(try run(images, trace: &optional, mask: mask, to: features))
        trace = optional ?? trace
        return result
    }
}
