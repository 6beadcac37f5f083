import Layers
import TensorCore

/// The configuration as JSON, as it stands in an `.swt` file's `transformer.configuration`.
///
/// All keys are written, in a fixed order. Reading needs the sizes; the rest may be left out and takes the default of
/// ``TransformerConfiguration``, and unknown keys are passed over.
extension TransformerConfiguration {
    /// The configuration as a JSON object; the same configuration gives the same text.
    package var json: JSONValue {
        .object([
            "width": .integer(width),
            "heads": .integer(heads),
            "encoderDepth": .integer(encoderDepth),
            "decoderDepth": .integer(decoderDepth),
            "hidden": .integer(hidden),
            "bias": .bool(bias),
            "encoderNorm": .bool(encoderNorm),
            "decoderNorm": .bool(decoderNorm),
            "normFirst": .bool(normFirst),
            "activation": .string(activation.rawValue),
            "layerNormEpsilon": .number(layerNormEpsilon),
        ])
    }

    /// Reads what ``json`` writes.
    ///
    /// - Throws: `ConfigurationKeyError`, naming the key; `TransformerError.configuration` when the values do not
    ///   fit together.
    package init(json: JSONValue) throws {
        self.init()
        let keys = try ConfigurationKeys(json)
        width = try keys.integer("width")
        heads = try keys.integer("heads")
        encoderDepth = try keys.integer("encoderDepth")
        decoderDepth = try keys.integer("decoderDepth")
        hidden = try keys.integer("hidden")
        bias = try keys.bool("bias", default: bias)
        encoderNorm = try keys.bool("encoderNorm", default: encoderNorm)
        decoderNorm = try keys.bool("decoderNorm", default: decoderNorm)
        normFirst = try keys.bool("normFirst", default: normFirst)
        activation = try keys.word("activation", default: activation)
        layerNormEpsilon = try keys.number("layerNormEpsilon") ?? layerNormEpsilon
        try validate()
    }
}
