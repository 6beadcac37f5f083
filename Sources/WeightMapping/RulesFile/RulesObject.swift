import TensorCore

/// One object of a rules file, whose keys are all known and whose values are read with their place in the file.
///
/// Every error names the place as jq would: `rows[3].operations[0].axis`.
struct RulesObject {
    let place: String
    private let members: [JSONValue.Member]

    /// - Throws: `MappingError.invalidRule` when `value` is no object, or has a key that is not among `keys`.
    init(_ value: JSONValue, at place: String, keys: [String]) throws(MappingError) {
        guard let members = value.members else { throw Self.unexpected(value, "an object", at: place) }
        self.place = place
        self.members = members
        if let stray = members.first(where: { !keys.contains($0.key) }) {
            var search = NearestName(among: keys)
            let hint = search.nearest(to: stray.key).map { "; did you mean \"\($0)\"?" } ?? ""
            throw Self.error(
                "the key \(Self.quoted(stray.key)) has no meaning here, only "
                    + keys.map { "\"\($0)\"" }.joined(separator: ", ") + " have\(hint)", at: place)
        }
    }

    func place(of key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    subscript(key: String) -> JSONValue? { members.first { $0.key == key }?.value }

    /// The value of a key that must be there.
    func required(_ key: String) throws(MappingError) -> JSONValue {
        guard let value = self[key] else {
            throw Self.error("the key \"\(key)\" is missing", at: place)
        }
        return value
    }

    func string(_ key: String) throws(MappingError) -> String? {
        guard let value = self[key] else { return nil }
        return try Self.string(value, at: place(of: key))
    }

    /// A whole number within bounds.
    func integer(_ key: String, in range: ClosedRange<Int>) throws(MappingError) -> Int? {
        guard let value = self[key] else { return nil }
        return try Self.integer(value, in: range, at: place(of: key))
    }

    /// The elements of an array with their places; none when the key is not there.
    func elements(
        _ key: String, atMost limit: Int
    ) throws(MappingError) -> [(value: JSONValue, place: String)] {
        guard let value = self[key] else { return [] }
        return try Self.elements(value, atMost: limit, at: place(of: key))
    }

    /// The same for an array of texts.
    func strings(_ key: String, atMost limit: Int) throws(MappingError) -> [String] {
        var texts: [String] = []
        for (value, place) in try elements(key, atMost: limit) {
            texts.append(try Self.string(value, at: place))
        }
        return texts
    }

    /// An array of numbers that make sense as a channel's mean or deviation.
    func numbers(_ key: String) throws(MappingError) -> [Double]? {
        guard self[key] != nil else { return nil }
        var numbers: [Double] = []
        for (value, place) in try elements(key, atMost: 64) {
            guard let number = value.double, abs(number) <= 1e6 else {
                throw Self.unexpected(value, "a number", at: place)
            }
            numbers.append(number)
        }
        return numbers
    }
}

extension RulesObject {
    static func string(_ value: JSONValue, at place: String) throws(MappingError) -> String {
        guard let string = value.string else { throw unexpected(value, "a text", at: place) }
        guard !string.isEmpty, string.utf8.count <= 512 else {
            throw error("expected a text of 1 to 512 bytes, found \(string.utf8.count)", at: place)
        }
        return string
    }

    static func integer(
        _ value: JSONValue, in range: ClosedRange<Int>, at place: String
    ) throws(MappingError) -> Int {
        guard let integer = value.integer, range.contains(integer) else {
            throw unexpected(
                value, "a whole number from \(range.lowerBound) to \(range.upperBound)", at: place)
        }
        return integer
    }

    static func elements(
        _ value: JSONValue, atMost limit: Int, at place: String
    ) throws(MappingError) -> [(value: JSONValue, place: String)] {
        guard let values = value.array else { throw unexpected(value, "a list", at: place) }
        guard values.count <= limit else {
            throw error("expected at most \(limit) entries, found \(values.count)", at: place)
        }
        return values.enumerated().map { ($1, "\(place)[\($0)]") }
    }

    static func error(_ detail: String, at place: String) -> MappingError {
        .invalidRule(place.isEmpty ? detail : "\(place): \(detail)")
    }

    static func unexpected(_ value: JSONValue, _ expected: String, at place: String) -> MappingError {
        error("expected \(expected), found \(shown(value))", at: place)
    }

    /// A text of the file in quotes, its control characters escaped, cut where it is long.
    static func quoted(_ text: String) -> String {
        let start = text.unicodeScalars.prefix(80)
        var shown = String(String.UnicodeScalarView(start))
        if start.endIndex < text.unicodeScalars.endIndex { shown += "…" }
        return JSONValue.string(shown).compact
    }

    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let text): quoted(text)
        case .array: "a list"
        case .object: "an object"
        }
    }
}
