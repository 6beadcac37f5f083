import Layers
import TensorCore

extension ViTConfiguration {
    /// Every parameter of the model under timm's names, in the order in which the forward pass meets them.
    ///
    /// The configuration must be valid (``validate()``).
    package var parameters: [ModelParameter] {
        var list = ModelParameterList()
        let (positionRows, patchArea) = (positionPrefixCount + patchCount, patchSize)
        if classToken { list.add("cls_token", 1, 1, width) }
        if distilled { list.add("dist_token", 1, 1, width) }
        if registers > 0 { list.add("reg_token", 1, registers, width) }
        list.add("pos_embed", 1, positionRows, width)
        list.add("patch_embed.proj.weight", width, channels, patchArea.height, patchArea.width)
        if patchBias { list.add("patch_embed.proj.bias", width) }
        if patchNorm { list.addNorm("patch_embed.norm", width) }
        if preNorm { list.addNorm("norm_pre", width) }
        for index in 0..<depth { addBlock("blocks.\(index)", to: &list) }
        if norm { list.addNorm("norm", width) }
        if pooling == .attention { addPool("attn_pool", to: &list) }
        if fcNorm { list.addNorm("fc_norm", width) }
        if let preLogits { list.addLinear("pre_logits.fc", preLogits, width) }
        if classes > 0 {
            list.addLinear("head", classes, featureCount, bias: headBias)
            if distilled { list.addLinear("head_dist", classes, featureCount, bias: headBias) }
        }
        return list.parameters
    }

    private func addBlock(_ block: String, to list: inout ModelParameterList) {
        list.addNorm("\(block).norm1", width)
        list.addLinear("\(block).attn.qkv", 3 * width, width, bias: qkvBias)
        if qkNorm {
            list.addNorm("\(block).attn.q_norm", headWidth)
            list.addNorm("\(block).attn.k_norm", headWidth)
        }
        list.addLinear("\(block).attn.proj", width, width)
        if layerScale { list.add("\(block).ls1.gamma", width) }
        list.addNorm("\(block).norm2", width)
        switch mlp {
        case .plain: list.addLinear("\(block).mlp.fc1", hidden, width)
        case .swiGLUPacked: list.addLinear("\(block).mlp.fc1", 2 * hidden, width)
        case .swiGLU:
            list.addLinear("\(block).mlp.fc1_g", hidden, width)
            list.addLinear("\(block).mlp.fc1_x", hidden, width)
        }
        if mlpNorm { list.addNorm("\(block).mlp.norm", hidden) }
        list.addLinear("\(block).mlp.fc2", width, hidden)
        if layerScale { list.add("\(block).ls2.gamma", width) }
    }

    private func addPool(_ pool: String, to list: inout ModelParameterList) {
        if poolPositions { list.add("\(pool).pos_embed", tokenCount - prefixCount, width) }
        list.add("\(pool).latent", 1, 1, width)
        list.addLinear("\(pool).q", width, width, bias: qkvBias)
        list.addLinear("\(pool).kv", 2 * width, width, bias: qkvBias)
        list.addLinear("\(pool).proj", width, width)
        list.addNorm("\(pool).norm", width)
        list.addLinear("\(pool).mlp.fc1", poolHidden, width)
        list.addLinear("\(pool).mlp.fc2", width, poolHidden)
    }

    /// The number of elements in all parameters.
    public var parameterCount: Int { parameters.elementCount }
}
