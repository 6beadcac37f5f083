import Layers
import TensorCore

extension TransformerConfiguration {
    /// Every parameter of the model under torch's names, in the order of `torch.nn.Transformer.state_dict()`.
    ///
    /// The configuration must be valid (``validate()``).
    package var parameters: [ModelParameter] {
        var list = ModelParameterList()
        for index in 0..<encoderDepth { addLayer("encoder.layers.\(index)", isDecoder: false, to: &list) }
        if encoderNorm { list.addNorm("encoder.norm", width, bias: bias) }
        for index in 0..<decoderDepth { addLayer("decoder.layers.\(index)", isDecoder: true, to: &list) }
        if decoderNorm { list.addNorm("decoder.norm", width, bias: bias) }
        return list.parameters
    }

    private func addLayer(_ layer: String, isDecoder: Bool, to list: inout ModelParameterList) {
        addAttention("\(layer).self_attn", to: &list)
        if isDecoder { addAttention("\(layer).multihead_attn", to: &list) }
        list.addLinear("\(layer).linear1", hidden, width, bias: bias)
        list.addLinear("\(layer).linear2", width, hidden, bias: bias)
        for norm in 1...(isDecoder ? 3 : 2) { list.addNorm("\(layer).norm\(norm)", width, bias: bias) }
    }

    private func addAttention(_ attention: String, to list: inout ModelParameterList) {
        list.add("\(attention).in_proj_weight", 3 * width, width)
        if bias { list.add("\(attention).in_proj_bias", 3 * width) }
        list.addLinear("\(attention).out_proj", width, width, bias: bias)
    }

    /// The number of elements in all parameters.
    public var parameterCount: Int { parameters.elementCount }
}
