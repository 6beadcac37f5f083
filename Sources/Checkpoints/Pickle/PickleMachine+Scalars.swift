import TensorCore

/// Numbers and text in the spellings of all protocols.
extension PickleMachine {
    mutating func textLine() throws -> String {
        String(decoding: try reader.line(), as: UTF8.self)
    }

    mutating func decimal() throws -> Int {
        let line = try textLine()
        guard let value = Int(line), value >= 0 else {
            throw failure("\"\(line.prefix(40))\" is no memo index")
        }
        return value
    }

    mutating func number(_ opcode: PickleOpcode) throws -> PickleValue {
        switch opcode {
        case .newTrue: return .bool(true)
        case .newFalse: return .bool(false)
        case .binInt: return .integer(Int(try reader.integer(Int32.self)))
        case .binInt1: return .integer(Int(try reader.byte()))
        case .binInt2: return .integer(Int(try reader.integer(UInt16.self)))
        case .long1: return Self.integer(try reader.bytes(Int(try reader.byte())))
        case .long4: return Self.integer(try reader.bytes(Int(try reader.integer(Int32.self))))
        case .binFloat:
            return .real(Double(bitPattern: try reader.integer(UInt64.self, bigEndian: true)))
        case .int, .long:
            var line = try textLine()
            if opcode == .int, line == "00" || line == "01" { return .bool(line == "01") }
            if line.hasSuffix("L") { line.removeLast() }
            if let value = Int(line) { return .integer(value) }
            guard !line.isEmpty, line.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D }) else {
                throw failure("\"\(line.prefix(40))\" is no number")
            }
            return .wideInteger(line)
        case .float:
            let line = try textLine()
            guard let value = Double(line) else { throw failure("\"\(line.prefix(40))\" is no number") }
            return .real(value)
        default: return .none
        }
    }

    /// Two's complement, little-endian, of any length.
    private static func integer(_ bytes: [UInt8]) -> PickleValue {
        guard let last = bytes.last else { return .integer(0) }
        guard bytes.count <= 8 else {
            let digits = Array("0123456789abcdef".utf8)
            let text = bytes.reversed().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            return .wideInteger("0x" + String(decoding: text, as: UTF8.self))
        }
        var value: Int64 = last >= 0x80 ? -1 : 0
        for byte in bytes.reversed() { value = value << 8 | Int64(byte) }
        return .integer(Int(value))
    }

    mutating func pushText(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .string:
            var line = try reader.line()
            guard line.count >= 2, let quote = line.first, quote == line.last, quote == 0x27 || quote == 0x22
            else {
                throw failure("a string without quotes")
            }
            line.removeFirst()
            line.removeLast()
            try pushText(Self.unescaped(line))
        case .unicode: push(.text(try textLine()))
        case .binString: try pushText(try reader.bytes(Int(try reader.integer(Int32.self))))
        case .shortBinString: try pushText(try reader.bytes(Int(try reader.byte())))
        case .shortBinUnicode: push(.text(try lenientText(Int(try reader.byte()))))
        case .binUnicode: push(.text(try lenientText(Int(try reader.integer(UInt32.self)))))
        default: push(.text(try lenientText(try reader.size())))
        }
    }

    /// Python 2's byte strings: text where they are UTF-8, bytes otherwise.
    private mutating func pushText(_ bytes: [UInt8]) throws {
        if let text = String(validating: bytes, as: UTF8.self) {
            push(.text(text))
        } else {
            push(.bytes(ByteRegion(bytes)))
        }
    }

    /// Python writes lone surrogates, which are no UTF-8; a name that holds one is shown with U+FFFD.
    private mutating func lenientText(_ count: Int) throws -> String {
        String(decoding: try reader.bytes(count), as: UTF8.self)
    }

    private static func unescaped(_ line: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < line.count {
            guard line[index] == 0x5C, index + 1 < line.count else {
                result.append(line[index])
                index += 1
                continue
            }
            index += 2
            switch line[index - 1] {
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "x"):
                let digits = line[index..<min(index + 2, line.count)]
                result.append(UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0x3F)
                index += digits.count
            default: result.append(line[index - 1])
            }
        }
        return result
    }
}
