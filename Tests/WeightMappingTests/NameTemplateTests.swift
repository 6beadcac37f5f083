import Testing

@testable import WeightMapping

struct NameTemplateTests {
    @Test func constantTextMatchesItselfOnly() {
        let template: NameTemplate = "cls_token"
        #expect(template.match("cls_token") == [:])
        #expect(template.match("cls_tokens") == nil)
        #expect(template.match("cls_toke") == nil)
        #expect(template.match("") == nil)
    }

    @Test(arguments: [
        ("blocks.0.attn.qkv.weight", 0), ("blocks.11.attn.qkv.weight", 11),
        ("blocks.999999.attn.qkv.weight", 999_999),
    ])
    func numbersAreReadAndWritten(name: String, index: Int) {
        let template: NameTemplate = "blocks.{i}.attn.qkv.weight"
        #expect(template.match(name) == ["i": index])
        #expect(template.fill(["i": index]) == name)
    }

    @Test(arguments: [
        "blocks..attn.qkv.weight", "blocks.01.attn.qkv.weight", "blocks.a.attn.qkv.weight",
        "blocks.-1.attn.qkv.weight", "blocks.1.attn.qkv.weights", "xblocks.1.attn.qkv.weight",
        "blocks.99999999999999999999.attn.qkv.weight", "blocks.1.1.attn.qkv.weight", "blocks.1",
    ])
    func whatCouldNotBeWrittenIsNotRead(name: String) {
        let template: NameTemplate = "blocks.{i}.attn.qkv.weight"
        #expect(template.match(name) == nil)
    }

    @Test func severalPlaceholders() {
        let template: NameTemplate = "blocks.{c}.{i}.norm1.weight"
        #expect(template.placeholders == ["c", "i"])
        #expect(template.match("blocks.2.17.norm1.weight") == ["c": 2, "i": 17])
        #expect(template.fill(["c": 2]) == nil)
    }

    @Test func aPlaceholderStandsForTheSameNumberEachTime() {
        let template: NameTemplate = "Transformer_encoderblock_{i}/Transformer_encoderblock_{i}/kernel"
        #expect(template.match("Transformer_encoderblock_3/Transformer_encoderblock_3/kernel") == ["i": 3])
        #expect(template.match("Transformer_encoderblock_3/Transformer_encoderblock_4/kernel") == nil)
    }

    @Test(arguments: [
        ("transformer_block/vars/0", 0), ("transformer_block_1/vars/0", 1),
        ("transformer_block_12/vars/0", 12),
    ])
    func kerasCountsFromNothing(name: String, index: Int) {
        let template: NameTemplate = "transformer_block{_i}/vars/0"
        #expect(template.match(name) == ["i": index])
        #expect(template.fill(["i": index]) == name)
        #expect(template.match("transformer_block_0/vars/0") == nil)
    }

    @Test func anyTextMatchesAndCannotBeWritten() {
        let template: NameTemplate = "{*}.total_{*}s"
        #expect(template.match("blocks.0.total_ops") != nil)
        #expect(template.match(".total_ops") == nil)
        #expect(template.fill([:]) == nil)
        #expect((("decoder_{*}" as NameTemplate).match("decoder_") == nil))
    }

    @Test(arguments: ["blocks.{i", "blocks.i}", "blocks.{}", "blocks.{_}.x", "{a{b}}"])
    func malformedTemplatesAreRefused(pattern: String) {
        #expect(throws: MappingError.self) { try NameTemplate(parsing: pattern) }
    }
}

struct NameFoldingTests {
    @Test func blocksFoldIntoOne() {
        let names =
            (0..<12).flatMap { ["blocks.\($0).norm1.weight", "blocks.\($0).norm2.weight"] } + ["cls_token"]
        #expect(
            NameFolding.fold(names).map(\.text)
                == ["blocks.{0…11}.norm1.weight (12)", "blocks.{0…11}.norm2.weight (12)", "cls_token"])
    }

    @Test func gapsAreListed() {
        #expect(NameFolding.fold(["a.0.b", "a.2.b", "a.5.b"]).map(\.text) == ["a.{0,2,5}.b (3)"])
        #expect(NameFolding.fold(["a.7.b"]).map(\.text) == ["a.7.b"])
    }

    @Test func differentNotesStayApart() {
        #expect(
            NameFolding.fold(["a.0", "a.1", "a.2"], notes: ["x", "y", "x"]).map(\.text) == [
                "a.{0,2} (2)", "a.1",
            ])
    }
}

struct NearestNameTests {
    /// Distances as in the literature on Levenshtein's metric.
    @Test(arguments: [("kitten", "sitting", 3), ("flaw", "lawn", 2), ("", "abc", 3), ("same", "same", 0)])
    func distances(a: String, b: String, distance: Int) {
        #expect(NearestName.distance(Array(a.utf8), Array(b.utf8), limit: 9) == distance)
        #expect(
            distance == 0 || NearestName.distance(Array(a.utf8), Array(b.utf8), limit: distance - 1) == nil)
    }

    @Test func theNearestIsFoundAndTheFarIsNot() {
        var search = NearestName(among: [
            "norm.weight", "blocks.3.attn.qvk.weight", "blocks.44.attn.qkv.weights",
        ])
        #expect(search.nearest(to: "blocks.3.attn.qkv.weight") == "blocks.3.attn.qvk.weight")
        #expect(search.nearest(to: "blocks.44.attn.qkv.weight") == "blocks.44.attn.qkv.weights")
        #expect(search.nearest(to: "zzzzzz") == nil)
    }
}
