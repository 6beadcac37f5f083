import TensorCore
import TestSupport
import Testing
import ViTToolkit

// example
extension NamingScheme {
    /// lucidrains' vit-pytorch, to 0.40.
    static let vitPytorch: NamingScheme = {
        let layer = "transformer.layers.{i}"
        return NamingScheme(
            name: "vit-pytorch", title: "lucidrains' vit-pytorch, to 0.40",
            fingerprint: ["to_patch_embedding.1.weight", "transformer.layers.0.0.fn.to_qkv.weight"],
            rules: [
                MappingRule("cls_token", to: "cls_token"),
                MappingRule("pos_embedding", to: "pos_embed"),
                // A patch's values lie row by row, the channels of a pixel side by side.
                MappingRule(
                    "to_patch_embedding.1.weight", to: "patch_embed.proj.weight",
                    .reshape("D (P P C) -> D P P C"), .transpose([0, 3, 1, 2]), assuming: ["C": 3]),
                MappingRule("to_patch_embedding.1.bias", to: "patch_embed.proj.bias"),
            ] + MappingRule.layer("\(layer).0.norm", to: "blocks.{i}.norm1")
                + [MappingRule("transformer.layers.{i}.0.fn.to_qkv.weight", to: "blocks.{i}.attn.qkv.weight")]
                + MappingRule.layer("\(layer).0.fn.to_out.0", to: "blocks.{i}.attn.proj")
                + MappingRule.layer("\(layer).1.norm", to: "blocks.{i}.norm2")
                + MappingRule.layer("\(layer).1.fn.net.0", to: "blocks.{i}.mlp.fc1")
                + MappingRule.layer("\(layer).1.fn.net.3", to: "blocks.{i}.mlp.fc2")
                + MappingRule.layer("mlp_head.0", to: "norm")
                + MappingRule.layer("mlp_head.1", to: "head"),
            conventions: Conventions(layerNormEpsilon: 1e-5, gelu: .exact, poolings: ["token"]))
    }()
}
// end

/// The article on naming schemes: one table in JSON and in Swift, on a checkpoint and logits of vit-pytorch.
@Suite struct AddANamingSchemeTests {
    let folder: TemporaryFolder
    let rules = Fixtures.path("rules/vit_pytorch.json")

    init() throws { folder = try TemporaryFolder() }

    @Test func theTableInSwiftIsTheOneInJSON() throws {
        #expect(try NamingScheme(rulesAt: rules) == .vitPytorch)
    }

    @Test func theArticleShowsTheWholeFile() throws {
        let file = String(decoding: try Fixtures.bytes("rules/vit_pytorch.json"), as: UTF8.self)
        let shown = try #require(try Article("AddANamingScheme").blocks(in: "json").first)
        #expect(shown.joined(separator: "\n") + "\n" == file)
    }

    /// vit-pytorch's own logits come out, and its own names again.
    @Test func aProgramTakesTheTable() throws {
        let file = Fixtures.path("rules/vit_pytorch.pth")
        let reference = Fixtures.path("rules/vit_pytorch.reference.safetensors")
        let output = folder.path + "out.swt"
        let again = folder.path + "again.safetensors"
        // example
        var options = ModelOptions()
        try options.readRules(at: rules)
        options.heads = 3
        try convert(try Checkpoint(path: file), to: output, options: options, references: [reference])

        let form = try OutputForm(named: rules)
        try convert(try Checkpoint(path: output), to: again, form: form)
        // end
        let (back, source) = (try Checkpoint(path: again), try Checkpoint(path: file))
        #expect(Set(back.tensors.map(\.name)) == Set(source.tensors.map(\.name)))
        #expect(try Checkpoint(path: output).metadata.contains { $0.value == "vit-pytorch" })
    }

    @Test func theArticleShowsTheCodeThatRuns() throws {
        let code = try Article("AddANamingScheme").code
        #expect(code.count == 2)
        #expect(try Set(code) == Set(Article.examples(in: #filePath)))
    }
}
