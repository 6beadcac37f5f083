import TensorCore

/// What stands at the head of a MessagePack object (github.com/msgpack/msgpack, `spec.md`): a scalar itself, or how
/// long the text, bytes or collection is that follows.
enum MessagePackToken: Equatable {
    case none
    case bool(Bool)
    case integer(Int)
    /// Of 2⁶³ or more.
    case wideInteger(UInt64)
    case real(Double)
    case text(byteCount: Int)
    case bytes(byteCount: Int)
    case array(count: Int)
    case map(count: Int)
    case extended(type: Int8, byteCount: Int)

    /// Reads one head and leaves `reader` behind it. What it announces fits the bytes that are left.
    init(_ reader: inout ByteReader) throws {
        self = try Self.head(&reader)
        // Every object takes a byte or more, every pair of a map two.
        let needed =
            switch self {
            case .array(let count): count
            case .map(let count): 2 * count
            default: payload
            }
        guard needed <= reader.remaining else { throw reader.truncated(needed) }
    }

    /// Reads one head, whatever follows.
    static func head(_ reader: inout ByteReader) throws -> MessagePackToken {
        let start = reader.offset
        let marker = try reader.byte()
        func length<T: FixedWidthInteger>(_ type: T.Type) throws -> Int {
            // A length of four bytes at most, which an Int holds.
            Int(truncatingIfNeeded: try reader.integer(type, bigEndian: true))
        }
        func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> MessagePackToken {
            .integer(Int(truncatingIfNeeded: try reader.integer(type, bigEndian: true)))
        }
        func extended(_ byteCount: Int) throws -> MessagePackToken {
            .extended(type: Int8(bitPattern: try reader.byte()), byteCount: byteCount)
        }
        switch marker {
        case 0x00...0x7F: return .integer(Int(marker))
        case 0x80...0x8F: return .map(count: Int(marker & 0x0F))
        case 0x90...0x9F: return .array(count: Int(marker & 0x0F))
        case 0xA0...0xBF: return .text(byteCount: Int(marker & 0x1F))
        case 0xC0: return .none
        case 0xC2: return .bool(false)
        case 0xC3: return .bool(true)
        case 0xC4: return .bytes(byteCount: try length(UInt8.self))
        case 0xC5: return .bytes(byteCount: try length(UInt16.self))
        case 0xC6: return .bytes(byteCount: try length(UInt32.self))
        case 0xC7: return try extended(try length(UInt8.self))
        case 0xC8: return try extended(try length(UInt16.self))
        case 0xC9: return try extended(try length(UInt32.self))
        case 0xCA: return .real(Double(Float(bitPattern: try reader.integer(UInt32.self, bigEndian: true))))
        case 0xCB: return .real(Double(bitPattern: try reader.integer(UInt64.self, bigEndian: true)))
        case 0xCC: return try integer(UInt8.self)
        case 0xCD: return try integer(UInt16.self)
        case 0xCE: return try integer(UInt32.self)
        case 0xCF:
            let value = try reader.integer(UInt64.self, bigEndian: true)
            return Int(exactly: value).map { .integer($0) } ?? .wideInteger(value)
        case 0xD0: return try integer(Int8.self)
        case 0xD1: return try integer(Int16.self)
        case 0xD2: return try integer(Int32.self)
        case 0xD3: return try integer(Int64.self)
        case 0xD4...0xD8: return try extended(1 << Int(marker - 0xD4))
        case 0xD9: return .text(byteCount: try length(UInt8.self))
        case 0xDA: return .text(byteCount: try length(UInt16.self))
        case 0xDB: return .text(byteCount: try length(UInt32.self))
        case 0xDC: return .array(count: try length(UInt16.self))
        case 0xDD: return .array(count: try length(UInt32.self))
        case 0xDE: return .map(count: try length(UInt16.self))
        case 0xDF: return .map(count: try length(UInt32.self))
        case 0xE0...0xFF: return .integer(Int(Int8(bitPattern: marker)))
        default:
            throw CheckpointError(
                .damaged,
                "expected a MessagePack object, found the byte 0x\(String(marker, radix: 16)), "
                    + "which begins none", offset: start)
        }
    }

    /// The number of bytes that follow and are no objects.
    var payload: Int {
        switch self {
        case .text(let byteCount), .bytes(let byteCount), .extended(_, let byteCount): byteCount
        default: 0
        }
    }

    /// Whether it is a value of its own, and no collection or extension object.
    var isPlain: Bool {
        switch self {
        case .array, .map, .extended: false
        default: true
        }
    }
}
