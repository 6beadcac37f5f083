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
