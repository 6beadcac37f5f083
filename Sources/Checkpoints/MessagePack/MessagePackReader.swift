import TensorCore

/// Flax's MessagePack files (`flax.serialization.to_bytes`): maps within maps, with arrays as extension objects.
///
/// One pass, object by object; arrays stay where they are in the file.
struct MessagePackReader {
    private var reader: ByteReader
    private var contents = CheckpointContents()
    private var depth = 0
    /// What the entries take in memory, about.
    private var spent = 0

    private static let deepest = 128

    static func read(_ region: ByteRegion) throws -> CheckpointContents {
        var file = MessagePackReader(reader: ByteReader(region))
        try file.visit("")
        guard file.reader.isAtEnd else {
            throw CheckpointError(
                .damaged, "\(file.reader.remaining) bytes follow the object that should fill the file",
                offset: file.reader.offset)
        }
        return file.contents
    }

    private init(reader: ByteReader) { self.reader = reader }

    private static func join(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : path + "." + key
    }
    /// The name of what is all that a file holds.
    private static func name(_ path: String) -> String { path.isEmpty ? "tensor" : path }

    private mutating func visit(_ path: String) throws {
        // A long key is in the file once, and in the name of everything below it.
        spent += 64 + path.utf8.count
        guard spent <= 16 << 20 + 16 * reader.region.count else {
            throw CheckpointError(
                .unsupported,
                "names and entries that take more than \(16 << 20 + 16 * reader.region.count) bytes to list",
                part: path, offset: reader.offset)
        }
        do {
            switch try MessagePackToken(&reader) {
            case .map(let count): try nested { try $0.visitMap(count, path) }
            case .array(let count): try nested { try $0.visitArray(count, path) }
            case .extended(let type, let byteCount): try visitExtended(type, byteCount, path)
            case let scalar: try other(path, Self.type(of: scalar), short(scalar))
            }
        } catch {
            throw CheckpointError(error, part: path.isEmpty ? nil : path)
        }
    }

    private mutating func nested(_ body: (inout Self) throws -> Void) throws {
        guard depth < Self.deepest else {
            throw CheckpointError(
                .unsupported, "objects nested more than \(Self.deepest) deep", offset: reader.offset)
        }
        depth += 1
        try body(&self)
        depth -= 1
    }

    private mutating func other(_ path: String, _ type: String, _ value: String? = nil) throws {
        try contents.add(OtherEntry(Self.name(path), type: type, value: value))
    }

    // MARK: Collections

    private mutating func visitMap(_ count: Int, _ path: String) throws {
        if count == 0 { return try other(path, "dict", "{}") }
        var keys: Set<ExactText> = []
        for index in 0..<count {
            let start = reader.offset
            let key = try self.key()
            guard keys.insert(ExactText(key)).inserted else {
                throw CheckpointError(.damaged, "the key \"\(key)\" occurs twice in a map", offset: start)
            }
            if key == FlaxArray.chunkedKey {
                guard index == 0 else {
                    throw CheckpointError(
                        .unsupported, "a chunked array that does not begin with \"\(key)\"", offset: start)
                }
                return try add(try FlaxArray.readChunked(&reader, count: count), path)
            }
            try visit(Self.join(path, key))
        }
    }

    private mutating func key() throws -> String {
        let start = reader.offset
        let token = try MessagePackToken(&reader)
        switch token {
        case .text(let byteCount), .bytes(let byteCount): return try reader.text(byteCount)
        case .none, .bool, .integer, .wideInteger, .real: return try short(token)
        case .array, .map, .extended:
            throw CheckpointError(.unsupported, "a map's key is no text and no number", offset: start)
        }
    }

    private mutating func visitArray(_ count: Int, _ path: String) throws {
        if let values = try plainValues(count) { return try other(path, "list", values) }
        for index in 0..<count { try visit(Self.join(path, String(index))) }
    }

    /// The values of an array of nothing but scalars and texts, in short; nil, and nothing consumed, for others.
    private mutating func plainValues(_ count: Int) throws -> String? {
        let start = reader.position
        var words: [String] = []
        var length = 0
        for _ in 0..<count {
            let token = try MessagePackToken(&reader)
            guard token.isPlain else {
                try reader.seek(to: start)
                return nil
            }
            if length < Self.longest {
                let word = try short(token)
                words.append(word)
                length += word.count + 2
            } else {
                try reader.skip(token.payload)
            }
        }
        if words.count < count { words.append("… \(count) in all") }
        return "[" + words.joined(separator: ", ") + "]"
    }

    // MARK: Extension objects

    private mutating func visitExtended(_ type: Int8, _ byteCount: Int, _ path: String) throws {
        switch FlaxArray.Extension(rawValue: type) {
        case .array: try add(try FlaxArray.read(&reader, byteCount: byteCount), path)
        case .scalar:
            _ = try FlaxArray.read(&reader, byteCount: byteCount)
            try other(path, "numpy scalar")
        case .complex: try visitComplex(byteCount, path)
        case nil:
            try reader.skip(byteCount)
            try other(path, "MessagePack extension \(type)", "\(byteCount) bytes")
        }
    }

    private mutating func add(_ element: FlaxArray.Element, _ path: String) throws {
        switch element {
        case .tensor(let view): try contents.add(NamedTensor(Self.name(path), view))
        case .unknown(let dtype, let shape):
            try other(path, "array", "\(dtype) \(shape); arrays of this type are not read")
        }
    }

    /// A Python complex number, packed as the tuple of its parts.
    private mutating func visitComplex(_ byteCount: Int, _ path: String) throws {
        let start = reader.offset
        let end = reader.position + byteCount
        guard case .array(count: 2) = try MessagePackToken(&reader),
            case .real(let real) = try MessagePackToken(&reader),
            case .real(let imaginary) = try MessagePackToken(&reader), reader.position == end
        else {
            throw CheckpointError(.damaged, "expected the two parts of a complex number", offset: start)
        }
        let sign = imaginary.sign == .minus ? "" : "+"
        try other(path, "complex", "(\(real)\(sign)\(imaginary)j)")
    }

    // MARK: Scalars in words

    private static let longest = 60

    private static func type(of token: MessagePackToken) -> String {
        switch token {
        case .none: "None"
        case .bool: "bool"
        case .integer, .wideInteger: "int"
        case .real: "float"
        case .text: "str"
        case .bytes: "bytes"
        case .array: "list"
        case .map: "dict"
        case .extended: "extension"
        }
    }

    /// The value as Python would print it, cut to one short line; what follows the token is consumed.
    private mutating func short(_ token: MessagePackToken) throws -> String {
        switch token {
        case .none: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .integer(let value): return String(value)
        case .wideInteger(let value): return String(value)
        case .real(let value): return String(value)
        case .text(let byteCount):
            let text = try reader.text(byteCount)
            return "'" + (text.count > Self.longest ? text.prefix(Self.longest) + "…" : text[...]) + "'"
        case .bytes(let byteCount), .extended(_, let byteCount):
            try reader.skip(byteCount)
            return "\(byteCount) bytes"
        case .array, .map: return "<" + Self.type(of: token) + ">"
        }
    }
}
