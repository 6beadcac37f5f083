import TensorCore

/// Numbers, texts and bytes, read as CPython reads them where names depend on it.
extension PickleScan {
    private static let longestText = 1024

    mutating func literal(_ opcode: PickleOpcode) throws -> PickleSymbol {
        switch opcode {
        case .none: return PickleSymbol("None")
        case .newTrue: return PickleSymbol("True")
        case .newFalse: return PickleSymbol("False")
        case .binInt: return Self.integer(Int(try reader.integer(Int32.self)))
        case .binInt1: return Self.integer(Int(try reader.byte()))
        case .binInt2: return Self.integer(Int(try reader.integer(UInt16.self)))
        case .long1: return try long(Int(try reader.byte()))
        case .long4: return try long(Int(try reader.integer(Int32.self)))
        case .binFloat:
            let bits = try reader.integer(UInt64.self, bigEndian: true)
            return PickleSymbol("", .real(Double(bitPattern: bits)))
        case .int, .long, .float:
            return PickleSymbol(
                EscapedText.plain(String(decoding: try reader.line().prefix(40), as: UTF8.self)))
        case .string: return Self.cut(Self.unquoted(try reader.line()))
        case .unicode: return Self.cut(Self.unescaped(unicode: try reader.line()))
        case .binString: return try text(Int(try reader.integer(Int32.self)))
        case .shortBinString, .shortBinUnicode: return try text(Int(try reader.byte()))
        case .binUnicode: return try text(Int(try reader.integer(UInt32.self)))
        case .binUnicode8: return try text(try reader.size())
        case .binBytes: return try bytes(Int(try reader.integer(UInt32.self)))
        case .shortBinBytes: return try bytes(Int(try reader.byte()))
        default: return try bytes(try reader.size())
        }
    }

    private static func integer(_ value: Int) -> PickleSymbol { PickleSymbol("", .integer(value)) }

    private mutating func long(_ count: Int) throws -> PickleSymbol {
        guard count >= 0, count <= 8 else {
            try reader.skip(count)
            return PickleSymbol("<an integer of \(count) bytes>")
        }
        let bytes = try reader.bytes(count)
        var value: Int64 = bytes.last ?? 0 >= 0x80 ? -1 : 0
        for byte in bytes.reversed() { value = value << 8 | Int64(byte) }
        return Self.integer(Int(value))
    }

    private static func cut(_ text: String) -> PickleSymbol {
        let isWhole = text.utf8.count <= longestText
        return PickleSymbol(
            literal: isWhole ? text : String(text.unicodeScalars.prefix(longestText)), isWhole: isWhole)
    }

    private mutating func text(_ count: Int) throws -> PickleSymbol {
        let region = try reader.region(count)
        let start = try region.slice(0, min(count, Self.longestText)).array()
        return PickleSymbol(
            literal: String(decoding: start, as: UTF8.self), isWhole: start.count == count)
    }

    private mutating func bytes(_ count: Int) throws -> PickleSymbol {
        let region = try reader.region(count)
        let start = try region.slice(0, min(count, 48)).array()
        // One character for each byte; what a terminal would heed is escaped with the rest.
        let latin = String(String.UnicodeScalarView(start.map { Unicode.Scalar($0) }))
        return PickleSymbol("b" + PickleSymbol(literal: latin, isWhole: start.count == count).text)
    }

    /// The memo's index, as Python's `int()` takes it.
    func memoIndex(_ line: [UInt8]) -> Int? {
        let digits = line.filter { !($0 == 0x20 || (0x09...0x0D).contains($0) || $0 == UInt8(ascii: "_")) }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// A Python 2 string literal with its quotes and escapes (`codecs.escape_decode`).
    private static func unquoted(_ line: [UInt8]) -> String {
        var bytes: [UInt8] = []
        var rest = line[...]
        while let space = rest.last, space == 0x20 || space == 0x0D || space == 0x09 { rest.removeLast() }
        if let quote = rest.first, quote == 0x27 || quote == 0x22 {
            rest.removeFirst()
            if rest.last == quote { rest.removeLast() }
        }
        while let byte = rest.popFirst() {
            guard byte == 0x5C, let next = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch next {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "a"): bytes.append(0x07)
            case UInt8(ascii: "v"): bytes.append(0x0B)
            case UInt8(ascii: "x"):
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                rest = rest.dropFirst(2)
                bytes.append(value ?? 0x3F)
            case 0x30...0x37:
                let digits = [next] + rest.prefix(2).prefix { (0x30...0x37).contains($0) }
                rest = rest.dropFirst(digits.count - 1)
                bytes.append(
                    UInt8(truncatingIfNeeded: Int(String(decoding: digits, as: UTF8.self), radix: 8) ?? 0))
            case 0x27, 0x22, 0x5C: bytes.append(next)
            default: bytes += [0x5C, next]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Latin-1 with `\uXXXX` and `\UXXXXXXXX` (`raw-unicode-escape`), or UTF-8 where it is that.
    private static func unescaped(unicode line: [UInt8]) -> String {
        guard line.contains(0x5C) else {
            return String(validating: line, as: UTF8.self)
                ?? String(String.UnicodeScalarView(line.map { Unicode.Scalar($0) }))
        }
        var text = String.UnicodeScalarView()
        var rest = line[...]
        while let byte = rest.popFirst() {
            let width = byte == 0x5C ? (rest.first == 0x75 ? 4 : rest.first == 0x55 ? 8 : 0) : 0
            let digits = String(decoding: rest.dropFirst().prefix(width), as: UTF8.self)
            if width > 0, digits.utf8.count == width, let value = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(value)
            {
                text.append(scalar)
                rest = rest.dropFirst(1 + width)
            } else {
                text.append(Unicode.Scalar(byte))
            }
        }
        return String(text)
    }
}
