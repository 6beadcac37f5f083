import TensorCore

/// Tells Flax's MessagePack files from anything else. They have no magic: any bytes are MessagePack for a while.
struct MessagePackProbe {
    private var reader: ByteReader

    /// Looks at no more than this many objects.
    private static let mostObjects = 256

    /// Whether the bytes are maps within maps from texts, down to a first array with its shape and type, or to
    /// the end of the file.
    static func matches(_ region: ByteRegion) -> Bool {
        var probe = MessagePackProbe(reader: ByteReader(region))
        return (try? probe.isCheckpoint()) ?? false
    }

    private init(reader: ByteReader) { self.reader = reader }

    private mutating func isCheckpoint() throws -> Bool {
        guard case .map(let count) = try MessagePackToken(&reader), count > 0 else { return false }
        // The values that are still to come in each collection that is open.
        var open = [(isMap: true, left: count)]
        for _ in 0..<Self.mostObjects {
            while let last = open.last, last.left == 0 { open.removeLast() }
            guard let last = open.last else { return reader.isAtEnd }
            open[open.count - 1].left -= 1
            if last.isMap { guard try isKey() else { return false } }
            let token = try MessagePackToken.head(&reader)
            switch token {
            case .map(let count): open.append((true, count))
            case .array(let count): open.append((false, count))
            case .extended(FlaxArray.Extension.array.rawValue, _): return try isArray()
            default: try reader.skip(token.payload)
            }
        }
        return true
    }

    private mutating func isKey() throws -> Bool {
        guard case .text(let count) = try MessagePackToken(&reader), count > 0, count <= 1024 else {
            return false
        }
        return try reader.text(count).unicodeScalars.allSatisfy { $0.value >= 0x20 }
    }

    /// The bytes themselves may be missing: a file that was cut short is to be told as such.
    private mutating func isArray() throws -> Bool {
        guard try MessagePackToken.head(&reader) == .array(count: 3),
            case .array(let rank) = try MessagePackToken.head(&reader), rank <= 64
        else { return false }
        for _ in 0..<rank {
            guard case .integer = try MessagePackToken.head(&reader) else { return false }
        }
        guard case .text(let count) = try MessagePackToken.head(&reader), count <= 64 else { return false }
        return try reader.text(count).allSatisfy(\.isASCII)
    }
}
