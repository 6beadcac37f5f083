import TensorCore

/// A naming scheme of a user's own: a table like the built-in ones, in JSON.
///
/// The file may come from anywhere. Whatever is wrong with it is a `MappingError.invalidRule` that names the
/// place, and its numbers are bounded, so that no table costs more than a checkpoint's names times its rows.
extension NamingScheme {
    private static let keys = [
        "name", "title", "fingerprint", "prefix", "headlessPrefix", "prefixes", "conventions", "rows",
        "outsideHead", "ignored", "unsupported", "order", "unplaced", "note",
    ]
    /// The size of the largest rules file that is read, in bytes.
    package static let largestRulesFile = 1 << 20
    private static let mostRows = 1024

    /// - Throws: `MappingError.invalidRule`.
    package init(parsingRules bytes: [UInt8]) throws(MappingError) {
        let json: JSONValue
        do throws(JSONError) {
            json = try JSONParser.parse(bytes)
        } catch {
            throw .invalidRule("\(error)")
        }
        try self.init(rules: json)
    }

    /// - Throws: `MappingError.invalidRule`.
    package init(rules json: JSONValue) throws(MappingError) {
        let object = try RulesObject(json, at: "", keys: Self.keys)
        let name = try RulesObject.string(try object.required("name"), at: "name")
        guard name.utf8.allSatisfy({ Self.isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
        else {
            throw RulesObject.error(
                "expected letters, digits, '_', '-' and '.', found \(RulesObject.quoted(name))", at: "name")
        }
        _ = try object.required("rows")
        _ = try object.elements("unplaced", atMost: Self.mostRows)
        if let note = object["note"], note.string == nil {
            throw RulesObject.unexpected(note, "a text", at: "note")
        }
        let fingerprint = try Self.fingerprint(object)
        let rules = try Self.rows("rows", of: object)
        let outsideHead = try Self.rows("outsideHead", of: object)
        let ignored = try Self.exemptions("ignored", of: object)
        let unsupported = try Self.exemptions("unsupported", of: object)
        let conventions = try Conventions(rules: object)
        let prefix = try Self.prefix("prefix", of: object) ?? ""
        let headlessPrefix = try Self.prefix("headlessPrefix", of: object)
        let prefixes = try Self.prefixes(object)
        let order = try Self.order(object)
        self.init(
            name: name, title: try object.string("title") ?? name, fingerprint: fingerprint, rules: rules,
            outsideHead: outsideHead, ignored: ignored, unsupported: unsupported, conventions: conventions,
            prefix: prefix, headlessPrefix: headlessPrefix, prefixes: prefixes, order: order)
        guard !rules.isEmpty else { throw RulesObject.error("expected at least one row", at: "rows") }
        try proveFingerprint()
    }

    private static func rows(_ key: String, of object: RulesObject) throws(MappingError) -> [MappingRule] {
        var rows: [MappingRule] = []
        for (value, place) in try object.elements(key, atMost: mostRows) {
            rows.append(try MappingRule(rules: value, at: place))
        }
        return rows
    }

    private static func fingerprint(_ object: RulesObject) throws(MappingError) -> [String] {
        _ = try object.required("fingerprint")
        let names = try object.strings("fingerprint", atMost: 16)
        guard !names.isEmpty else {
            throw RulesObject.error(
                "expected the names of one or more tensors that every checkpoint has", at: "fingerprint")
        }
        if let name = names.first(where: { $0.contains("{") }) {
            throw RulesObject.error(
                "\(RulesObject.quoted(name)) is no whole name: write that of the first block",
                at: "fingerprint"
            )
        }
        return names
    }

    private static func exemptions(
        _ key: String, of object: RulesObject
    ) throws(MappingError) -> [Exemption] {
        var exemptions: [Exemption] = []
        for (value, place) in try object.elements(key, atMost: mostRows) {
            let entry = try RulesObject(value, at: place, keys: ["name", "reason", "beside"])
            let template = try NameTemplate(rules: try entry.required("name"), at: entry.place(of: "name"))
            let reason = try RulesObject.string(
                try entry.required("reason"), at: entry.place(of: "reason"))
            var companion: NameTemplate?
            if let beside = entry["beside"] {
                companion = try NameTemplate(rules: beside, at: entry.place(of: "beside"))
            }
            exemptions.append(Exemption(template, reason, beside: companion))
        }
        return exemptions
    }

    /// What stands in front of names ends where a word of theirs begins.
    private static func prefix(_ key: String, of object: RulesObject) throws(MappingError) -> String? {
        guard let value = object[key], value != .string("") else { return object[key]?.string }
        let place = object.place(of: key)
        let prefix = try RulesObject.string(value, at: place)
        guard prefix.hasSuffix(".") || prefix.hasSuffix("/"), !prefix.contains("{") else {
            throw RulesObject.error(
                "expected whole words that end in '.' or '/', found \(RulesObject.quoted(prefix))", at: place)
        }
        return prefix
    }

    private static func prefixes(
        _ object: RulesObject
    ) throws(MappingError) -> [FeaturePrefix] {
        var prefixes: [FeaturePrefix] = []
        for (value, place) in try object.elements("prefixes", atMost: 16) {
            let entry = try RulesObject(value, at: place, keys: ["model", "prefix"])
            let feature = try MappingRule.Condition.Feature(
                rules: try entry.required("model"), at: entry.place(of: "model"))
            _ = try entry.required("prefix")
            prefixes.append(FeaturePrefix(feature, try prefix("prefix", of: entry) ?? ""))
        }
        return prefixes
    }

    private static func order(_ object: RulesObject) throws(MappingError) -> [NameTemplate] {
        var names: [NameTemplate] = []
        for (value, place) in try object.elements("order", atMost: mostRows) {
            names.append(try NameTemplate(rules: value, at: place))
        }
        return names
    }

    /// A fingerprint that no row knows was misspelt.
    private func proveFingerprint() throws(MappingError) {
        let sources = (rules + outsideHead).flatMap(\.sources) + (ignored + unsupported).map(\.template)
        for (index, name) in fingerprint.enumerated()
        where !sources.contains(where: { $0.match(name) != nil }) {
            var search = NearestName(among: sources.map { $0.fill(standingFor: 0) })
            let hint = search.nearest(to: name).map { "; did you mean \($0)?" } ?? ""
            throw RulesObject.error(
                "no row has the name \(RulesObject.quoted(name))\(hint)", at: "fingerprint[\(index)]")
        }
    }

    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
