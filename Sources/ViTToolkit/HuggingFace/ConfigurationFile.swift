import Checkpoints
import TensorCore

/// A JSON file that describes a model, read key by key; whatever is amiss is told with file and key.
struct ConfigurationFile {
    /// The file's path.
    let name: String
    /// The object that keys are looked up in.
    let json: JSONValue
    /// The keys that lead to it: `vision_config`, or none.
    var path: [String] = []

    private static let largest = 4 << 20

    /// Reads the file of that name beside a checkpoint, if it is there.
    ///
    /// - Throws: `CheckpointError` when it cannot be read or holds no JSON object.
    init?(_ name: String, beside path: String) throws {
        let path = WebAddress.path(of: name, beside: path)
        do {
            guard let file = try OpenFile.openIfThere(path) else { return nil }
            guard file.size <= Self.largest else {
                throw CheckpointError(.unsupported, "\(file.size) bytes; at most \(Self.largest) are read")
            }
            let json = try JSONParser.parse(try ByteRegion(file).array())
            guard json.members != nil else { throw CheckpointError(.damaged, "expected a JSON object") }
            self.init(name: path, json: json)
        } catch {
            throw CheckpointError(error, path: path)
        }
    }

    init(name: String, json: JSONValue) {
        self.name = name
        self.json = json
    }

    /// The value of a key; a key with `null` counts as absent.
    func value(_ key: String) -> JSONValue? {
        guard let value = json[key], value != .null else { return nil }
        return value
    }

    /// The object under a key, to be read in the same way.
    func object(_ key: String) throws -> ConfigurationFile? {
        guard let value = value(key) else { return nil }
        guard value.members != nil else { throw wrong(key, expected: "an object") }
        var inner = ConfigurationFile(name: name, json: value)
        inner.path = path + [key]
        return inner
    }

    func string(_ key: String) throws -> String? { try read(key, "a text") { $0.string } }
    func bool(_ key: String) throws -> Bool? { try read(key, "true or false") { $0.bool } }

    /// A number of 1 or more.
    func count(_ key: String) throws -> Int? {
        try read(key, "a whole number of 1 or more") { value in
            value.integer.flatMap { (1...1 << 24).contains($0) ? $0 : nil }
        }
    }

    func number(_ key: String) throws -> Double? { try read(key, "a number") { $0.double } }

    func numbers(_ key: String) throws -> [Double]? {
        try read(key, "a list of numbers") { value in
            let numbers = value.array?.compactMap(\.double)
            return numbers?.count == value.array?.count ? numbers : nil
        }
    }

    /// A side, or `[height, width]`.
    func size(_ key: String) throws -> ViTConfiguration.Size? {
        try read(key, "a whole number or [height, width]") { value in
            let sides = value.array?.compactMap(\.integer) ?? value.integer.map { [$0, $0] } ?? []
            guard sides.count == 2, value.array?.count ?? 2 == 2,
                sides.allSatisfy({ (1...1 << 16).contains($0) })
            else { return nil }
            return ViTConfiguration.Size(height: sides[0], width: sides[1])
        }
    }

    private func read<Value>(
        _ key: String, _ expected: String, _ convert: (JSONValue) -> Value?
    ) throws -> Value? {
        guard let value = value(key) else { return nil }
        guard let converted = convert(value) else { throw wrong(key, expected: expected) }
        return converted
    }

    /// The error for a value that cannot be.
    func wrong(_ key: String, expected: String) -> ToolkitError {
        let found = json[key]?.compact ?? "nothing"
        let shown = found.count > 80 ? found.prefix(80) + "…" : found[...]
        return .modelDescription(place(key), detail: "expected \(expected), found \(shown)")
    }

    /// File and key: `config.json: vision_config.hidden_act`.
    func place(_ key: String) -> String { "\(name): " + (path + [key]).joined(separator: ".") }
}
