import TensorCore

/// A model's configuration lacks a key, or has something else there than what it means.
public struct ConfigurationKeyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The key; empty where the configuration is no object.
    public let key: String
    /// What was expected, and what was found.
    public let expected: String

    /// The error in words.
    public var description: String { "the configuration's \"\(key)\": expected \(expected)" }
}

/// Takes values out of a configuration's object; a key with `null` counts as absent.
package struct ConfigurationKeys {
    private let json: JSONValue

    package init(_ json: JSONValue) throws(ConfigurationKeyError) {
        guard json.members != nil else {
            throw ConfigurationKeyError(key: "", expected: "a JSON object")
        }
        self.json = json
    }

    private func value(_ key: String) -> JSONValue? {
        guard let value = json[key], value != .null else { return nil }
        return value
    }

    package func has(_ key: String) -> Bool { value(key) != nil }

    private func read<Value>(
        _ key: String, _ expected: String, default fallback: Value?, _ convert: (JSONValue) -> Value?
    ) throws(ConfigurationKeyError) -> Value {
        guard let value = value(key) else {
            guard let fallback else {
                throw ConfigurationKeyError(key: key, expected: "\(expected), found nothing")
            }
            return fallback
        }
        guard let converted = convert(value) else {
            throw ConfigurationKeyError(key: key, expected: "\(expected), found \(value.compact)")
        }
        return converted
    }

    package func integer(_ key: String, default fallback: Int? = nil) throws(ConfigurationKeyError) -> Int {
        try read(key, "a whole number", default: fallback) { $0.integer }
    }

    package func bool(_ key: String, default fallback: Bool) throws(ConfigurationKeyError) -> Bool {
        try read(key, "true or false", default: fallback) { $0.bool }
    }

    package func number(_ key: String) throws(ConfigurationKeyError) -> Double? {
        guard has(key) else { return nil }
        return try read(key, "a number", default: nil) { $0.double }
    }

    package func numbers(_ key: String) throws(ConfigurationKeyError) -> [Double]? {
        guard has(key) else { return nil }
        return try read(key, "a list of numbers", default: nil) { value in
            guard let values = value.array else { return nil }
            let numbers = values.compactMap(\.double)
            return numbers.count == values.count ? numbers : nil
        }
    }

    package func words(_ key: String) throws(ConfigurationKeyError) -> [String]? {
        guard has(key) else { return nil }
        return try read(key, "a list of texts", default: nil) { value in
            guard let values = value.array else { return nil }
            let words = values.compactMap(\.string)
            return words.count == values.count ? words : nil
        }
    }

    package func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Word
    ) throws(ConfigurationKeyError) -> Word where Word.RawValue == String {
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        return try read(key, "one of \(words)", default: fallback) { $0.string.flatMap(Word.init(rawValue:)) }
    }

    package func pair(_ key: String, _ expected: String) throws(ConfigurationKeyError) -> (Int, Int) {
        try read(key, expected, default: nil) { value in
            guard let lengths = value.array, lengths.count == 2, let first = lengths[0].integer,
                let second = lengths[1].integer
            else { return nil }
            return (first, second)
        }
    }
}
