import TensorCore

extension NamingScheme.Conventions {
    /// What may stand in `poolings`, spelled as the configuration's `pool`.
    package static let knownPoolings = ["token", "avg", "token-avg", "map"]
    /// What may stand in `mlps`, spelled as the configuration's `mlp`.
    package static let knownMLPs = ["plain", "swiglu", "swiglu-packed"]
    /// What may stand in `positions`, spelled as the configuration's `positions`.
    package static let knownPositions = ["all", "class", "patches"]

    init(rules file: RulesObject) throws(MappingError) {
        self.init()
        guard let value = file["conventions"] else { return }
        let object = try RulesObject(
            value, at: "conventions",
            keys: [
                "layerNormEpsilon", "gelu", "geluRemark", "poolings", "headlessPoolings",
                "poolsBesideClassToken", "mlps", "positions", "mean", "std",
            ])
        if let value = object["layerNormEpsilon"] {
            guard let epsilon = value.double, epsilon > 0, epsilon < 1 else {
                throw RulesObject.unexpected(
                    value, "a number between 0 and 1", at: object.place(of: "layerNormEpsilon"))
            }
            layerNormEpsilon = epsilon
        }
        if object["gelu"] != nil {
            gelu = GELU(
                rawValue: try Self.word("gelu", of: object, among: GELU.allCases.map(\.rawValue)).first ?? "")
        }
        if object["poolings"] != nil {
            poolings = try Self.word("poolings", of: object, among: Self.knownPoolings)
        }
        headlessPoolings = poolings
        if object["headlessPoolings"] != nil {
            headlessPoolings = try Self.word("headlessPoolings", of: object, among: Self.knownPoolings)
        }
        if let value = object["poolsBesideClassToken"] {
            guard let isSo = value.bool else {
                throw RulesObject.unexpected(
                    value, "true or false", at: object.place(of: "poolsBesideClassToken"))
            }
            poolsBesideClassToken = isSo
        }
        if object["mlps"] != nil { mlps = try Self.word("mlps", of: object, among: Self.knownMLPs) }
        geluRemark = try object.string("geluRemark")
        if object["positions"] != nil {
            positions = try Self.word("positions", of: object, among: Self.knownPositions)
        }
        mean = try object.numbers("mean")
        standardDeviation = try object.numbers("std")
        guard mean?.count == standardDeviation?.count, mean?.isEmpty != true else {
            throw RulesObject.error("expected \"mean\" and \"std\" of the same channels", at: object.place)
        }
        if let index = standardDeviation?.firstIndex(where: { $0 <= 0 }) {
            throw RulesObject.error("expected a number above 0", at: object.place(of: "std[\(index)]"))
        }
    }

    /// A word of a closed list, or several of them.
    private static func word(
        _ key: String, of object: RulesObject, among known: [String]
    ) throws(MappingError) -> [String] {
        let words = object[key]?.string.map { [$0] }
        let given: [String]
        if let words { given = words } else { given = try object.strings(key, atMost: 8) }
        guard !given.isEmpty, given.allSatisfy(known.contains) else {
            throw RulesObject.error(
                "expected \(known.joined(separator: ", ")), found "
                    + given.map(RulesObject.quoted).joined(separator: ", "), at: object.place(of: key))
        }
        return given
    }
}
