/// What is wrong with a JSON text, and at which byte of it.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    package let offset: Int
    package let detail: String

    package var description: String { "no valid JSON: \(detail) at byte \(offset)" }
}

/// Reads JSON as RFC 8259 defines it: nothing more lenient, duplicate keys refused, depth capped.
package struct JSONParser {
    private var text: JSONText
    private var depth = 0
    private static let deepest = 128

    /// The longest text that is taken, in bytes.
    package var longestText = Int.max
    /// How many more values are taken: each may be a byte of the text, and is more in memory.
    package var valuesLeft = Int.max

    /// Reads one value that fills `bytes` but for white space around it.
    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try parse(bytes, mostValues: .max)
    }

    /// The same of a value that consists of at most `mostValues`, itself included.
    package static func parse(_ bytes: [UInt8], mostValues: Int) throws(JSONError) -> JSONValue {
        var parser = JSONParser(text: JSONText(bytes))
        parser.valuesLeft = mostValues
        parser.skipWhitespace()
        let value = try parser.value()
        try parser.expectEnd()
        return value
    }

    /// Reads a text in a file, of which no more than a window and what `body` keeps is in memory.
    ///
    /// - Parameter body: takes the one value that fills `region`.
    package static func read<Result>(
        _ region: ByteRegion, _ body: (inout JSONParser) throws -> Result
    ) throws -> Result {
        var parser = JSONParser(text: JSONText(region))
        do {
            parser.skipWhitespace()
            let result = try body(&parser)
            try parser.expectEnd()
            return result
        } catch {
            throw parser.text.failure ?? error
        }
    }

    private init(text: JSONText) {
        self.text = text
    }

    private func error(_ detail: String) -> JSONError { JSONError(offset: text.position, detail: detail) }

    private mutating func skipWhitespace() {
        while let byte = text.current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            text.advance()
        }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(JSONError) {
        guard text.current == UInt8(ascii: character) else { throw error("expected '\(character)'") }
        text.advance()
    }

    private mutating func expectEnd() throws(JSONError) {
        skipWhitespace()
        guard text.current == nil else { throw error("text after the end") }
    }

    /// Whether an object comes next.
    package var isAtObject: Bool { text.current == UInt8(ascii: "{") }

    /// Reads one value.
    package mutating func value() throws(JSONError) -> JSONValue {
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw error("more values than are taken") }
        switch text.current {
        case UInt8(ascii: "{"):
            var members: [JSONValue.Member] = []
            var keys = try object()
            while let key = try nextKey(&keys) { members.append(.init(key, try value())) }
            return .object(members)
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("unexpected end")
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            guard text.current == word.utf8Start[index] else { throw error("expected a value") }
            text.advance()
        }
        return value
    }

    // MARK: Objects and arrays

    /// The keys of an object that were read.
    package struct Keys {
        fileprivate var seen: Set<ExactText> = []
    }

    /// Enters an object, which ``nextKey(_:)`` then goes through.
    package mutating func object() throws(JSONError) -> Keys {
        try enter("{")
        return Keys()
    }

    /// The next key of an object, whose value is to be read then; nil at its end, which is left.
    package mutating func nextKey(_ keys: inout Keys) throws(JSONError) -> String? {
        skipWhitespace()
        if text.current == UInt8(ascii: "}") || !keys.seen.isEmpty, !takeComma() {
            try leave("}")
            return nil
        }
        let start = text.position
        let key = try string()
        guard keys.seen.insert(ExactText(key)).inserted else {
            throw JSONError(offset: start, detail: "the key \"\(key)\" occurs twice")
        }
        skipWhitespace()
        try expect(":")
        skipWhitespace()
        return key
    }

    private mutating func enter(_ bracket: Unicode.Scalar) throws(JSONError) {
        try expect(bracket)
        depth += 1
        guard depth <= Self.deepest else { throw error("nesting deeper than \(Self.deepest)") }
        skipWhitespace()
    }

    private mutating func leave(_ bracket: Unicode.Scalar) throws(JSONError) {
        try expect(bracket)
        depth -= 1
    }

    private mutating func takeComma() -> Bool {
        guard text.current == UInt8(ascii: ",") else { return false }
        text.advance()
        skipWhitespace()
        return true
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try enter("[")
        var values: [JSONValue] = []
        if text.current != UInt8(ascii: "]") {
            repeat {
                values.append(try value())
                skipWhitespace()
            } while takeComma()
        }
        try leave("]")
        return .array(values)
    }

    private mutating func string() throws(JSONError) -> String {
        try expect("\"")
        var bytes: [UInt8] = []
        while let byte = text.current {
            guard bytes.count <= longestText else { throw error("a text of more than \(longestText) bytes") }
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: bytes, as: UTF8.self) else {
                    throw error("a string that is not UTF-8")
                }
                text.advance()
                return string
            case UInt8(ascii: "\\"):
                text.advance()
                bytes.append(contentsOf: Array(String(try escape()).utf8))
            case 0..<0x20:
                throw error("a control character in a string")
            default:
                text.take(into: &bytes) { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            }
        }
        throw error("a string without an end")
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        guard let byte = text.current else { throw error("a string without an end") }
        text.advance()
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if 0xD800..<0xDC00 ~= code {
                try expect("\\")
                try expect("u")
                let low = try hexadecimal()
                guard 0xDC00..<0xE000 ~= low else { throw error("half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half a surrogate pair") }
            return scalar
        default: throw error("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = text.current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue,
                byte < 0x80
            else {
                throw error("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            text.advance()
        }
        return code
    }

    // MARK: Numbers

    private static let longestNumber = 1024

    private mutating func digits(_ number: inout [UInt8]) throws(JSONError) {
        let start = number.count
        while let byte = text.current, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
            try takeOne(&number)
        }
        guard number.count > start else {
            throw error(text.current == nil ? "unexpected end" : "expected a value")
        }
    }

    private mutating func takeOne(_ number: inout [UInt8]) throws(JSONError) {
        guard let byte = text.current else { return }
        guard number.count < Self.longestNumber else {
            throw error("a number of more than \(Self.longestNumber) digits")
        }
        number.append(byte)
        text.advance()
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        var number: [UInt8] = []
        if text.current == UInt8(ascii: "-") { try takeOne(&number) }
        let leadingZero = text.current == UInt8(ascii: "0")
        let first = number.count
        try digits(&number)
        guard !leadingZero || number.count == first + 1 else { throw error("a number with a leading zero") }
        var isWhole = true
        if text.current == UInt8(ascii: ".") {
            isWhole = false
            try takeOne(&number)
            try digits(&number)
        }
        if text.current == UInt8(ascii: "e") || text.current == UInt8(ascii: "E") {
            isWhole = false
            try takeOne(&number)
            if text.current == UInt8(ascii: "+") || text.current == UInt8(ascii: "-") { try takeOne(&number) }
            try digits(&number)
        }
        let digits = String(decoding: number, as: UTF8.self)
        if isWhole, let value = Int(digits) { return .integer(value) }
        guard let value = Double(digits) else { throw error("a number out of range") }
        return .number(value)
    }
}
