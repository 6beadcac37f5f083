import TensorCore

extension NamingScheme {
    /// The scheme as a rules file: read back, it is the same scheme.
    package var rulesJSON: JSONValue {
        .object([
            "name": .string(name),
            "title": .string(title),
            "fingerprint": .strings(fingerprint),
            "prefix": prefix.isEmpty ? nil : .string(prefix),
            "headlessPrefix": headlessPrefix == prefix ? nil : .string(headlessPrefix),
            "prefixes": prefixes.isEmpty ? nil : .array(prefixes.map(\.rulesJSON)),
            "conventions": conventions == Conventions() ? nil : conventions.rulesJSON,
            "rows": .array(rules.map(\.rulesJSON)),
            "outsideHead": outsideHead.isEmpty ? nil : .array(outsideHead.map(\.rulesJSON)),
            "ignored": ignored.isEmpty ? nil : .array(ignored.map(\.rulesJSON)),
            "unsupported": unsupported.isEmpty ? nil : .array(unsupported.map(\.rulesJSON)),
            "order": order.isEmpty ? nil : .strings(order.map(\.pattern)),
        ])
    }
}

extension NamingScheme.Conventions {
    package var rulesJSON: JSONValue {
        .object([
            "layerNormEpsilon": layerNormEpsilon.map { .number($0) },
            "gelu": gelu.map { .string($0.rawValue) },
            "geluRemark": geluRemark.map { .string($0) },
            "poolings": poolings.map { .strings($0) },
            "headlessPoolings": headlessPoolings == poolings ? nil : headlessPoolings.map { .strings($0) },
            "poolsBesideClassToken": poolsBesideClassToken ? nil : .bool(false),
            "mlps": mlps.map { .strings($0) },
            "positions": positions.map { .strings($0) },
            "mean": mean.map { .array($0.map { .number($0) }) },
            "std": standardDeviation.map { .array($0.map { .number($0) }) },
        ])
    }
}

extension NamingScheme.FeaturePrefix {
    fileprivate var rulesJSON: JSONValue {
        .object(["model": .string(feature.word), "prefix": .string(prefix)])
    }
}

extension NamingScheme.Exemption {
    var rulesJSON: JSONValue {
        .object([
            "name": .string(template.pattern), "reason": .string(reason),
            "beside": companion.map { .string($0.pattern) },
        ])
    }
}

extension MappingRule {
    /// The row as it stands in a rules file.
    package var rulesJSON: JSONValue {
        .object([
            "from": Self.json(sources),
            "to": Self.json(targets),
            "operations": operations.isEmpty ? nil : .array(operations.map(\.rulesJSON)),
            "rank": rank.map { .integer($0) },
            "assuming": assuming.isEmpty
                ? nil
                : .object(
                    assuming.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .integer($0.value)) }),
            "where": condition?.rulesJSON,
        ])
    }

    private static func json(_ names: [NameTemplate]) -> JSONValue {
        names.count == 1 ? .string(names[0].pattern) : .strings(names.map(\.pattern))
    }
}

extension MappingRule.Condition {
    fileprivate var rulesJSON: JSONValue {
        .object([
            isPresent ? "with" : "without": .string(source.pattern), "model": .string(feature.word),
        ])
    }
}

extension MappingRule.Condition.Feature {
    /// How a rules file calls the feature that no single parameter shows.
    static let packedSwiGLUWord = "packed SwiGLU"

    /// How a rules file calls the feature: a parameter by its name.
    fileprivate var word: String {
        switch self {
        case .parameter(let template): template.pattern
        case .packedSwiGLU: Self.packedSwiGLUWord
        }
    }

    /// - Throws: `MappingError.invalidRule` when the word means no feature of a model.
    init(rules word: JSONValue, at place: String) throws(MappingError) {
        if word.string == Self.packedSwiGLUWord {
            self = .packedSwiGLU
            return
        }
        let name = try NameTemplate(rules: word, at: place)
        try name.proveCanonical(at: place)
        self = .parameter(name)
    }
}

extension TensorOperation {
    /// The step as it stands in a rules file.
    var rulesJSON: JSONValue {
        switch self {
        case .transpose(let order): .object(["transpose": .integers(order)])
        case .reshape(let pattern): .object(["reshape": .string(pattern.text)])
        case .concatenate(let axis, let ratios): .object(["concatenate": Self.json(axis, ratios)])
        case .split(let axis, let ratios): .object(["split": Self.json(axis, ratios)])
        case .select(let axis): .object(["select": .object(["axis": .integer(axis)])])
        case .stack(let axis): .object(["stack": .object(["axis": .integer(axis)])])
        case .insertZeros(let place): .object(["insertZeros": .object(["at": .integer(place)])])
        case .removeZeros(let place): .object(["removeZeros": .object(["at": .integer(place)])])
        }
    }

    private static func json(_ axis: Int, _ ratios: [Int]) -> JSONValue {
        let isEven = ratios.allSatisfy { $0 == 1 }
        return .object([
            "axis": .integer(axis), "parts": isEven ? .integer(ratios.count) : nil,
            "ratios": isEven ? nil : .integers(ratios),
        ])
    }
}

extension TensorOperation: CustomStringConvertible {
    /// The step in words.
    package var description: String {
        switch self {
        case .transpose(let order): "axes \(Self.list(order))"
        case .reshape(let pattern): "reshape \(pattern.text)"
        case .concatenate(let axis, let ratios): "join along axis \(axis)\(Self.proportions(ratios))"
        case .split(let axis, let ratios):
            "split along axis \(axis) into \(ratios.count)\(Self.proportions(ratios))"
        case .select(let axis): "each element along axis \(axis) by itself"
        case .stack(let axis): "stack along a new axis \(axis)"
        case .insertZeros(let place): "zeros put in at place \(place)"
        case .removeZeros(let place): "zeros taken out at place \(place)"
        }
    }

    private static func list(_ numbers: [Int]) -> String {
        "(" + numbers.map { String($0) }.joined(separator: ", ") + ")"
    }

    private static func proportions(_ ratios: [Int]) -> String {
        ratios.allSatisfy { $0 == 1 }
            ? "" : " as " + ratios.map { String($0) }.joined(separator: ":")
    }
}

extension MappingRule.Condition: CustomStringConvertible {
    /// The condition in words.
    package var description: String { "where the file \(isPresent ? "has" : "lacks") \(source.pattern)" }
}
