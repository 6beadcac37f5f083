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
    /// - Throws: `ViTError.configurationKey`, naming the key; `ViTError.configuration` when the values do not
    ///   fit together.
    package init(json: JSONValue) throws(ViTError) {
        self.init()
        guard json.members != nil else { throw .configurationKey("", expected: "a JSON object") }
        let keys = KeyReader(json: json)
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

/// Takes values out of an object; a key with `null` counts as absent.
private struct KeyReader {
    let json: JSONValue

    func value(_ key: String) -> JSONValue? {
        guard let value = json[key], value != .null else { return nil }
        return value
    }

    func has(_ key: String) -> Bool { value(key) != nil }

    private func read<Value>(
        _ key: String, _ expected: String, default fallback: Value?, _ convert: (JSONValue) -> Value?
    ) throws(ViTError) -> Value {
        guard let value = value(key) else {
            guard let fallback else { throw .configurationKey(key, expected: "\(expected), found nothing") }
            return fallback
        }
        guard let converted = convert(value) else {
            throw .configurationKey(key, expected: "\(expected), found \(value.compact)")
        }
        return converted
    }

    func integer(_ key: String, default fallback: Int? = nil) throws(ViTError) -> Int {
        try read(key, "a whole number", default: fallback) { $0.integer }
    }

    func bool(_ key: String, default fallback: Bool) throws(ViTError) -> Bool {
        try read(key, "true or false", default: fallback) { $0.bool }
    }

    func number(_ key: String) throws(ViTError) -> Double? {
        guard has(key) else { return nil }
        return try read(key, "a number", default: nil) { $0.double }
    }

    func numbers(_ key: String) throws(ViTError) -> [Double]? {
        guard has(key) else { return nil }
        return try read(key, "a list of numbers", default: nil) { value in
            guard let values = value.array else { return nil }
            let numbers = values.compactMap(\.double)
            return numbers.count == values.count ? numbers : nil
        }
    }

    func words(_ key: String) throws(ViTError) -> [String]? {
        guard has(key) else { return nil }
        return try read(key, "a list of texts", default: nil) { value in
            guard let values = value.array else { return nil }
            let words = values.compactMap(\.string)
            return words.count == values.count ? words : nil
        }
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Word
    ) throws(ViTError) -> Word where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        return try read(key, "one of \(words)", default: fallback) { $0.string.flatMap(Word.init(rawValue:)) }
    }

    func size(_ key: String) throws(ViTError) -> ViTConfiguration.Size {
        try read(key, "[height, width]", default: nil) { value in
            guard let lengths = value.array, lengths.count == 2, let height = lengths[0].integer,
                let width = lengths[1].integer
            else { return nil }
            return ViTConfiguration.Size(height: height, width: width)
        }
    }
}
