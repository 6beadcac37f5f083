import TensorCore
import Testing

@Suite struct JSONTests {
    func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

    @Test func valuesKeepTheirKindAndOrder() throws {
        let value = try parse(#" {"b": [1, -2.5e1, true, null], "a": "\u00e9\ud83d\ude00\n", "c": {}} "#)
        #expect(
            value
                == .object([
                    .init("b", .array([.integer(1), .number(-25), .bool(true), .null])),
                    .init("a", .string("é😀\n")), .init("c", .object([JSONValue.Member]())),
                ]))
        #expect(value.compact == #"{"b":[1,-25.0,true,null],"a":"é😀\n","c":{}}"#)
        #expect(try parse(value.pretty) == value)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "01", "1.", "+1", "nul", "\"\\x\"", "\"\\ud800\"", "\"a", "[1] 2",
        "{\"a\":1,\"a\":2}",
        "\"\u{1}\"", "'a'", "NaN", "1e999x", "{1:2}",
    ])
    func whatIsNoJSONIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func depthIsCapped() {
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func whatIsNotUTF8IsRefused() {
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    }
}

struct FittedJSONTests {
    @Test func whatFitsStandsOnOneLine() throws {
        let json = try JSONParser.parse(
            Array(
                #"{"a": [1, {"b": "c"}], "long": [{"x": 1, "y": [2, 3]}, {"x": 4}], "e": {}, "f": []}"#.utf8))
        let text = """
            {
              "a": [1, {"b": "c"}],
              "long": [
                {"x": 1, "y": [2, 3]},
                {"x": 4}
              ],
              "e": {},
              "f": []
            }
            """
        #expect(json.fitted(to: 30) == text)
        #expect(try JSONParser.parse(Array(json.fitted(to: 8).utf8)) == json)
        #expect(JSONValue.integer(3).fitted(to: 1) == "3")
        #expect(JSONValue.array([]).fitted(to: 1) == "[]")
    }
}

/// Texts in windows, of which no byte may be lost or read twice.
struct LongJSONTests {
    /// Of every kind of value, with what is read in several steps.
    static let values =
        #"{"key\u00e9":[-12.5e-3,true,false,null,"a\\\"\ud83d\ude00é"],"k":{},"l":[],"n":12345678}"#

    @Test func aWindowMayEndAnywhere() throws {
        let value = try JSONParser.parse(Array(Self.values.utf8))
        for padding in 0...Self.values.utf8.count {
            let count = (64 << 10) - padding
            let text = "[\"" + String(repeating: "x", count: count - 4) + "\"," + Self.values + "]"
            let bytes = Array(text.utf8)
            let read = try JSONParser.read(ByteRegion(bytes)) { try $0.value() }
            #expect(read.array?.last == value)
            #expect(try JSONParser.parse(bytes) == read)
        }
    }

    @Test func membersComeOneByOne() throws {
        var seen: [String] = []
        let text = Array(#" {"a": 1, "b": {"c": [2]}, "d": "e"} "#.utf8)
        try JSONParser.read(ByteRegion(text)) { parser in
            var keys = try parser.object()
            while let key = try parser.nextKey(&keys) { seen.append(key + (try parser.value().compact)) }
        }
        #expect(seen == ["a1", "b{\"c\":[2]}", "d\"e\""])
    }

    @Test(arguments: ["{\"a\":1 \"b\":2}", "{,}", "{\"a\":1,}", "{\"a\"}", "{} {}", "[1", ""])
    func whatIsNoObjectIsRefused(_ text: String) {
        #expect(throws: JSONError.self) {
            try JSONParser.read(ByteRegion(Array(text.utf8))) { parser in
                var keys = try parser.object()
                while try parser.nextKey(&keys) != nil { _ = try parser.value() }
            }
        }
    }

    @Test func boundsAreKept() throws {
        func read(_ text: String, _ set: (inout JSONParser) -> Void) throws {
            _ = try JSONParser.read(ByteRegion(Array(text.utf8))) {
                set(&$0)
                return try $0.value()
            }
        }
        try read("[1,[2,3]]") { $0.valuesLeft = 5 }
        #expect(throws: JSONError.self) { try read("[1,[2,3]]") { $0.valuesLeft = 4 } }
        let text = "\"" + String(repeating: "x", count: 200_000) + "\""
        try read(text) { $0.longestText = 200_000 }
        #expect(throws: JSONError.self) { try read(text) { $0.longestText = 199_999 } }
        #expect(throws: JSONError.self) { try read(String(repeating: "1", count: 2000)) { _ in } }
    }
}

struct JSONFileTests {
    @Test func aFileThatShrinksIsTold() throws {
        let path = "/tmp/vit-convert-json-\(getpid()).json"
        defer { unlink(path) }
        let text = [UInt8]("[".utf8) + [UInt8](repeating: 0x20, count: 200_000) + "]".utf8
        let file = creat(path, 0o600)
        #expect(write(file, text, text.count) == text.count)
        let region = ByteRegion(try OpenFile(path: path))
        ftruncate(file, 100_000)
        close(file)
        let error = #expect(throws: ByteError.self) { try JSONParser.read(region) { try $0.value() } }
        #expect(error?.kind == .shrunk)
    }
}
