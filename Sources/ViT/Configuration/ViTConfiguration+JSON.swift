import Layers
import Pictures
import TensorCore

/// The configuration as JSON, as it stands in an `.swt` file's `vit.configuration`.
///
/// Sizes are `[height, width]`. All keys are written, in a fixed order, but for those without a value:
/// `qkScale`, `preLogits`, `mean`, `std`, `cropRatio`, `resizeMode`, `interpolation`, `labels`. Reading needs the sizes that have no natural default; the rest
/// may be left out and takes the default of ``ViTConfiguration``, and unknown keys are passed over.
extension ViTConfiguration {
    /// The configuration as a JSON object; the same configuration gives the same text.
    package var json: JSONValue {
        .object([
            "imageSize": .integers([imageSize.height, imageSize.width]),
            "patchSize": .integers([patchSize.height, patchSize.width]),
            "channels": .integer(channels),
            "width": .integer(width),
            "depth": .integer(depth),
            "heads": .integer(heads),
            "hidden": .integer(hidden),
            "classes": .integer(classes),
            "patchBias": .bool(patchBias),
            "patchNorm": .bool(patchNorm),
            "qkvBias": .bool(qkvBias),
            "qkNorm": .bool(qkNorm),
            "qkScale": qkScale.map { .number($0) },
            "mlp": .string(mlp.rawValue),
            "mlpNorm": .bool(mlpNorm),
            "gelu": .string(gelu.rawValue),
            "layerScale": .bool(layerScale),
            "classToken": .bool(classToken),
            "distilled": .bool(distilled),
            "registers": .integer(registers),
            "positions": .string(positions.rawValue),
            "preNorm": .bool(preNorm),
            "norm": .bool(norm),
            "fcNorm": .bool(fcNorm),
            "pool": .string(pooling.rawValue),
            "poolHidden": pooling == .attention ? .integer(poolHidden) : nil,
            "poolPositions": pooling == .attention ? .bool(poolPositions) : nil,
            "preLogits": preLogits.map { .integer($0) },
            "headBias": .bool(headBias),
            "layerNormEpsilon": .number(layerNormEpsilon),
            "mean": preprocessing.map { .array($0.mean.map { .number($0) }) },
            "std": preprocessing.map { .array($0.standardDeviation.map { .number($0) }) },
            "cropRatio": preprocessing?.resizing.map { .number($0.cropRatio) },
            "resizeMode": preprocessing?.resizing.map { .string($0.mode.rawValue) },
            "interpolation": preprocessing?.resizing.map { .string($0.interpolation.rawValue) },
            "labels": labels.map { .strings($0) },
        ])
    }

    /// Reads what ``json`` writes.
    ///
    /// - Throws: `ConfigurationKeyError`, naming the key; `ViTError.configuration` when the values do not fit
    ///   together.
    package init(json: JSONValue) throws {
        self.init()
        let keys = try ConfigurationKeys(json)
        imageSize = try keys.size("imageSize")
        patchSize = try keys.size("patchSize")
        width = try keys.integer("width")
        depth = try keys.integer("depth")
        heads = try keys.integer("heads")
        hidden = try keys.integer("hidden")
        classes = try keys.integer("classes")
        channels = try keys.integer("channels", default: channels)
        patchBias = try keys.bool("patchBias", default: patchBias)
        patchNorm = try keys.bool("patchNorm", default: patchNorm)
        qkvBias = try keys.bool("qkvBias", default: qkvBias)
        qkNorm = try keys.bool("qkNorm", default: qkNorm)
        qkScale = try keys.number("qkScale")
        mlp = try keys.word("mlp", default: mlp)
        mlpNorm = try keys.bool("mlpNorm", default: mlpNorm)
        gelu = try keys.word("gelu", default: gelu)
        layerScale = try keys.bool("layerScale", default: layerScale)
        classToken = try keys.bool("classToken", default: classToken)
        distilled = try keys.bool("distilled", default: distilled)
        registers = try keys.integer("registers", default: registers)
        positions = try keys.word("positions", default: positions)
        preNorm = try keys.bool("preNorm", default: preNorm)
        norm = try keys.bool("norm", default: norm)
        fcNorm = try keys.bool("fcNorm", default: fcNorm)
        pooling = try keys.word("pool", default: pooling)
        poolHidden = try keys.integer("poolHidden", default: poolHidden)
        poolPositions = try keys.bool("poolPositions", default: poolPositions)
        if keys.has("preLogits") { preLogits = try keys.integer("preLogits") }
        headBias = try keys.bool("headBias", default: headBias)
        layerNormEpsilon = try keys.number("layerNormEpsilon") ?? layerNormEpsilon
        if let mean = try keys.numbers("mean"), let deviation = try keys.numbers("std") {
            preprocessing = Preprocessing(mean: mean, standardDeviation: deviation)
            if let ratio = try keys.number("cropRatio") {
                preprocessing?.resizing = Resizing(
                    cropRatio: ratio, mode: try keys.word("resizeMode", default: .center),
                    interpolation: try keys.word("interpolation", default: .bicubic))
            }
        }
        labels = try keys.words("labels")
        try validate()
    }
}

extension ConfigurationKeys {
    fileprivate func size(_ key: String) throws(ConfigurationKeyError) -> ViTConfiguration.Size {
        let lengths = try pair(key, "[height, width]")
        return ViTConfiguration.Size(height: lengths.0, width: lengths.1)
    }
}
