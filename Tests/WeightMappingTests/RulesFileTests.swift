import TensorCore
import Testing

@testable import WeightMapping

struct RulesFileTests {
    /// A scheme with everything that a table can say.
    private static let sample = NamingScheme(
        name: "sample-1.0", title: "a \"sample\"", fingerprint: ["embed/kernel", "block_0/q/kernel"],
        rules: [
            MappingRule(
                "embed/kernel", to: "patch_embed.proj.weight", .reshape("D (P P C) -> D P P C"),
                .transpose([0, 3, 1, 2]), rank: 2, assuming: ["C": 3]),
            MappingRule(
                ["block_{i}/q/kernel", "block_{i}/v/kernel"], to: ["blocks.{i}.attn.qkv.weight"],
                [.insertZeros(at: 1), .concatenate(axis: 0, parts: 3)]),
            MappingRule("qkv_bias", to: "blocks.{i}.attn.qkv.bias", .select(axis: 0)),
            MappingRule(
                ["block{_i}/a", "block{_i}/b"], to: ["blocks.{i}.mlp.fc1.weight"],
                [.concatenate(axis: 1, ratios: [2, 1])]),
            MappingRule(
                ["tokens"], to: ["cls_token", "dist_token"], [.split(axis: 1, parts: 2)]),
            MappingRule(["r1", "r2"], to: ["reg_token"], [.stack(axis: 1), .reshape("1 R D -> 1 R D")]),
            MappingRule(
                ["z1", "z2"], to: ["norm.weight"], [.removeZeros(at: 1)],
                where: .with("swi/{*}", .packedSwiGLU)),
        ],
        outsideHead: MappingRule.layer(
            "dense", to: "head", where: .without("dense_1.weight", .parameter("pre_logits.fc.weight"))),
        ignored: [.init("decoder/{*}", "a decoder")],
        unsupported: [.init("rope", "rotary positions", beside: "gate.{i}")],
        conventions: .init(
            layerNormEpsilon: 1e-12, gelu: .quick, poolings: ["token", "map"], positions: ["patches"],
            mean: [0.5, 0.25, 1], standardDeviation: [0.5, 0.5, 2]),
        prefix: "vit/", headlessPrefix: "",
        prefixes: [.init(.parameter("dist_token"), "deit/"), .init(.packedSwiGLU, "")],
        order: ["tokens", "block_{i}/q/kernel"])

    @Test(arguments: NamingScheme.all + [sample])
    func aSchemeWrittenAsRulesReadsBackAsItWas(_ scheme: NamingScheme) throws {
        for text in [scheme.rulesJSON.fitted(to: 100), scheme.rulesJSON.compact, scheme.rulesJSON.pretty] {
            #expect(try NamingScheme(parsingRules: Array(text.utf8)) == scheme)
        }
    }

    @Test func everyTargetOfEverySchemeIsCanonical() throws {
        for rule in NamingScheme.all.flatMap({ $0.rules + $0.outsideHead }) {
            for target in rule.targets { try target.proveCanonical(at: "") }
        }
    }

    /// A file of one row, with what is to be tried in place of parts of it.
    private static func file(row: String, more: String = "") -> [UInt8] {
        Array(
            """
            {"name": "mine", "fingerprint": ["a"], "rows": [{"from": "a", "to": "cls_token"}, \(row)]\(more)}
            """.utf8)
    }

    @Test(arguments: [
        (#"{"from": "b"}"#, #"rows[1]: the key "to" is missing"#),
        (#"{"from": "b", "to": "norm.weight", "operation": []}"#, #"did you mean "operations"?"#),
        (#"{"from": 7, "to": "norm.weight"}"#, "rows[1].from: expected a text, found 7"),
        (#"{"from": [], "to": "norm.weight"}"#, "rows[1].from: expected a name or several"),
        (#"{"from": ["b", "b"], "to": "norm.weight"}"#, #"rows[1].from[1]: "b" stands here twice"#),
        (#"{"from": "b{i", "to": "norm.weight"}"#, "rows[1].from: 'b{i' opens a brace that it never closes"),
        (#"{"from": "b{*}", "to": "norm.weight"}"#, "stands for any text"),
        (#"{"from": "{*}a{*}b", "to": "norm.weight"}"#, "more than one {*}"),
        (#"{"from": "{a}{b}{c}{d}{e}", "to": "norm.weight"}"#, "more than 4 placeholders"),
        (#"{"from": "b", "to": "norm.wieght"}"#, "did you mean norm.weight?"),
        (#"{"from": "b", "to": "blocks.{i}.norm1.weight"}"#, "the operations make one tensor"),
        (#"{"from": "b{i}", "to": "norm.weight"}"#, #""norm.weight" lacks {i}"#),
        (#"{"from": "b{i}", "to": "blocks.{i}.nrom1.weight"}"#, "did you mean blocks.{i}.norm1.weight?"),
        (#"{"from": ["b{i}", "c"], "to": "norm.weight"}"#, "never come together"),
        (#"{"from": ["b", "c"], "to": "norm.weight"}"#, #"make 2, but "to" has 1"#),
        (
            #"{"from": "b", "to": "norm.weight", "operations": "transpose"}"#,
            "rows[1].operations: expected a list"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": ["transpose"]}"#,
            "rows[1].operations[0]: expected an object"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"transpse": [0]}]}"#,
            #"did you mean "transpose"?"#
        ),
        (#"{"from": "b", "to": "norm.weight", "operations": [{}]}"#, "expected one step"),
        (#"{"from": "b", "to": "norm.weight", "operations": [{"transpose": [1, 1]}]}"#, "each axis once"),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"transpose": [0, -1]}]}"#,
            "operations[0].transpose[1]: expected a whole number from 0 to 7, found -1"
        ),
        (#"{"from": "b", "to": "norm.weight", "operations": [{"transpose": []}]}"#, "each axis once"),
        (#"{"from": "b", "to": "norm.weight", "operations": [{"reshape": "D H"}]}"#, "is no reshape"),
        (#"{"from": "b", "to": "norm.weight", "operations": [{"reshape": "(D -> D"}]}"#, "parentheses"),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"reshape": "D -0 -> D"}]}"#,
            "holds the length -0"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"reshape": "99999999999999999999 -> 99999999999999999999"}]}"#,
            "holds the length"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"concatenate": {"parts": 3}}]}"#,
            #"the key "axis" is missing"#
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"concatenate": {"axis": 0, "parts": 3}}]}"#,
            "it takes 3 tensors, but there is 1"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"split": {"axis": 0, "parts": 3, "ratios": [1]}}]}"#,
            "either"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"split": {"axis": 0, "ratios": [1, 0]}}]}"#,
            "ratios[1]: expected a whole number"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"split": {"axis": 0, "parts": 2}}]}"#,
            #"make 2, but "to" has 1"#
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"split": {"axis": 0, "parts": 9223372036854775807}}]}"#,
            "from 1 to 64"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "operations": [{"select": 0}]}"#,
            "operations[0].select: expected an object, found 0"
        ),
        (#"{"from": "b", "to": "norm.weight", "operations": [{"insertZeros": {"at": 2}}]}"#, "no such place"),
        (#"{"from": "b", "to": "norm.weight", "operations": [{"removeZeros": {"at": 0}}]}"#, "no such place"),
        (
            #"{"from": "b", "to": "norm.weight", "rank": 2.5}"#,
            "rows[1].rank: expected a whole number from 1 to 8, found 2.5"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "assuming": {"C": 0}}"#,
            "rows[1].assuming.C: expected a whole number"
        ),
        (#"{"from": "b", "to": "norm.weight", "assuming": [3]}"#, "lengths by their names"),
        (
            #"{"from": "b", "to": "norm.weight", "where": {"with": "x", "without": "y", "model": "head.weight"}}"#,
            "either"
        ),
        (
            #"{"from": "b", "to": "norm.weight", "where": {"with": "x", "model": "heads"}}"#,
            "rows[1].where.model"
        ),
        (#""b""#, #"rows[1]: expected an object, found "b""#),
    ])
    func whatIsWrongWithARowIsSaidWithItsPlace(row: String, message: String) throws {
        let error = #expect(throws: MappingError.self) { try NamingScheme(parsingRules: Self.file(row: row)) }
        guard case .invalidRule(let text) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains(message), "\(text)")
    }

    @Test(arguments: [
        ("", "no valid JSON"), ("[]", "expected an object, found a list"),
        (#"{"name": "m", "name": "m"}"#, "occurs twice"),
        (#"{"rows": [], "fingerprint": ["a"]}"#, #"the key "name" is missing"#),
        (#"{"name": "a b", "rows": [], "fingerprint": ["a"]}"#, "name: expected letters"),
        (#"{"name": "m", "fingerprint": ["a"]}"#, #"the key "rows" is missing"#),
        (#"{"name": "m", "fingerprint": ["a"], "rows": []}"#, "rows: expected at least one row"),
        (#"{"name": "m", "rows": [{"from": "a", "to": "cls_token"}]}"#, #"the key "fingerprint" is missing"#),
        (
            #"{"name": "m", "fingerprint": [], "rows": [{"from": "a", "to": "cls_token"}]}"#,
            "one or more tensors"
        ),
        (
            #"{"name": "m", "fingerprint": ["a{i}"], "rows": [{"from": "a", "to": "cls_token"}]}"#,
            "no whole name"
        ),
        (
            #"{"name": "m", "fingerprint": ["abcdee"], "rows": [{"from": "abcdef", "to": "cls_token"}]}"#,
            "fingerprint[0]: no row has the name \"abcdee\"; did you mean abcdef?"
        ),
        (
            #"{"name": "m", "fingerprint": ["a"], "prefix": "vit", "rows": [{"from": "a", "to": "cls_token"}]}"#,
            "prefix: expected whole words that end in '.' or '/'"
        ),
        (
            #"{"name": "m", "fingerprint": ["a"], "rows": [{"from": "a", "to": "cls_token"}], "conventions": {"gelu": "erf"}}"#,
            "conventions.gelu: expected exact, tanh, quick, found \"erf\""
        ),
        (
            #"{"name": "m", "fingerprint": ["a"], "rows": [{"from": "a", "to": "cls_token"}], "conventions": {"layerNormEpsilon": 1e400}}"#,
            "conventions.layerNormEpsilon: expected a number between 0 and 1"
        ),
        (
            #"{"name": "m", "fingerprint": ["a"], "rows": [{"from": "a", "to": "cls_token"}], "conventions": {"mean": [0.5]}}"#,
            "\"mean\" and \"std\""
        ),
        (
            #"{"name": "m", "fingerprint": ["a"], "rows": [{"from": "a", "to": "cls_token"}], "conventions": {"mean": [0], "std": [0]}}"#,
            "conventions.std[0]"
        ),
        (
            #"{"name": "m", "fingerprint": ["a"], "rows": [{"from": "a", "to": "cls_token"}], "ignored": [{"name": "x"}]}"#,
            "ignored[0]: the key \"reason\" is missing"
        ),
    ])
    func whatIsWrongWithAFileIsSaid(text: String, message: String) throws {
        let error = #expect(throws: MappingError.self) { try NamingScheme(parsingRules: Array(text.utf8)) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test func aFileCutAnywhereIsAnError() {
        let bytes = Array(Self.sample.rulesJSON.compact.utf8)
        for length in bytes.indices {
            #expect(throws: MappingError.self) { try NamingScheme(parsingRules: Array(bytes[..<length])) }
        }
    }

    /// Odd values at every place of a file: an error, or a table that a checkpoint and a model survive.
    @Test func noValueAnywhereTraps() throws {
        let odd: [JSONValue] = [
            .null, .bool(true), .integer(0), .integer(-1), .integer(.max), .integer(.min), .number(1e308),
            .string(""), .string("{"), .string("{*}"), .string("{i}{i}"), .string("norm.weight"),
            .string("-> "), .string("A B -> (A B)"),
            .string("(4611686018427387904 4 N) -> N 4611686018427387904 4"),
            .string(String(repeating: "{_a}", count: 200)), .array([]), .object([]),
            .integers([0, 1]), .strings(["a", "b"]),
        ]
        let scheme = Self.sample.rulesJSON
        let tensors = try Samples.checkpoint(depth: 1)
        var accepted = 0
        for place in 0..<Self.count(scheme) {
            for value in odd {
                var index = place
                let json = Self.replacing(&index, in: scheme, by: value)
                guard let table = try? NamingScheme(rules: json) else { continue }
                accepted += 1
                _ = try? Mapper.map(tensors, schemes: [table])
                _ = try? SchemeWriter.write(tensors, in: table, lengths: ["H": 2])
            }
        }
        #expect(accepted > 0)
    }

    private static func count(_ json: JSONValue) -> Int {
        let below = json.array ?? json.members?.map(\.value) ?? []
        return 1 + below.reduce(0) { $0 + count($1) }
    }

    /// The value with its `index`-th part, counted from the outside in, replaced.
    private static func replacing(_ index: inout Int, in json: JSONValue, by value: JSONValue) -> JSONValue {
        index -= 1
        if index == -1 { return value }
        switch json {
        case .array(let values): return .array(values.map { replacing(&index, in: $0, by: value) })
        case .object(let members):
            return .object(members.map { .init($0.key, replacing(&index, in: $0.value, by: value)) })
        default: return json
        }
    }

    @Test func emptyTensorsAndHugeLengthsDoNotTrap() throws {
        let pattern = try AxisPattern(
            parsing:
                "(4611686018427387904 4611686018427387904 N) -> (4611686018427387904 4611686018427387904) N")
        #expect(throws: TensorError.self) { try pattern.shape(from: try Shape([0])) }
    }
}

extension TensorOperation {
    fileprivate static func split(axis: Int, parts: Int) -> TensorOperation {
        .split(axis: axis, ratios: [Int](repeating: 1, count: parts))
    }
}
