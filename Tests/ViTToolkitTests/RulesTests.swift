import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// A user's own table, on checkpoints and logits of lucidrains' vit-pytorch.
@Suite struct RulesTests {
    let folder: TemporaryFolder
    let checkpoint: Checkpoint
    let rules = Fixtures.path("rules/vit_pytorch.json")
    let reference = Fixtures.path("rules/vit_pytorch.reference.safetensors")

    init() throws {
        folder = try TemporaryFolder()
        checkpoint = try Checkpoint(path: Fixtures.path("rules/vit_pytorch.pth"))
    }

    private func options(_ rules: String) throws -> ModelOptions {
        var options = ModelOptions()
        try options.readRules(at: rules)
        options.heads = 3
        return options
    }

    private func expectParity(_ prepared: PreparedModel) throws {
        let report = try verify(prepared, reference: reference).report
        let scale = try #require(try Checkpoint(path: reference).tensor("logits")).floats().reduce(0) {
            max($0, abs($1))
        }
        #expect(report.logits.maxAbsoluteError <= 1e-5 * Double(scale))
    }

    @Test func theModelComputesWhatTheirsDoes() throws {
        let prepared = try PreparedModel(checkpoint, options: try options(rules))
        #expect(prepared.scheme == "vit-pytorch")
        #expect(try prepared.configuration.layerNormEpsilon == 1e-5)
        try expectParity(prepared)
    }

    @Test func whatIsWrittenInTheSameNamesIsTheSame() throws {
        try convert(checkpoint, to: folder.path + "m.swt", options: try options(rules))
        var form = try OutputForm(named: rules)
        try convert(
            try Checkpoint(path: folder.path + "m.swt"), to: folder.path + "back.safetensors", form: form,
            references: [reference])
        let back = try Checkpoint(path: folder.path + "back.safetensors")
        #expect(Set(back.tensors.map(\.name)) == Set(checkpoint.tensors.map(\.name)))
        for tensor in checkpoint.tensors {
            let written = try #require(back.tensor(tensor.name), "\(tensor.name)")
            #expect(written.shape == tensor.view.shape)
            #expect(try Digest.sha256(written) == Digest.sha256(tensor.view), "\(tensor.name)")
        }
        // A table of one's own is never taken for canonical names, whatever its name is.
        form.rules = form.rules.map {
            NamingScheme(name: "timm", title: "", fingerprint: $0.fingerprint, rules: $0.rules)
        }
        let output = folder.path + "x.swt"
        let given = try options(rules)
        let named = form
        #expect(throws: ToolkitError.self) {
            try convert(checkpoint, to: output, options: given, form: named)
        }
    }

    @Test func aTableOfTheNewNamesSaysWhatHasNoPlace() throws {
        let new = try Checkpoint(path: Fixtures.path("rules/vit_pytorch_norms.pth"))
        let error = #expect(throws: ToolkitError.self) {
            try PreparedModel(new, options: try options(Fixtures.path("rules/vit_pytorch_norms.json")))
        }
        let text = "\(try #require(error))"
        #expect(text.contains("unexpected (2):"), "\(text)")
        #expect(text.contains("to_patch_embedding.1.weight") && text.contains("to_patch_embedding.1.bias"))
        #expect(!text.contains("missing"))
    }

    @Test func theDraftOfATableComputesTheSame() throws {
        var draft = try suggestRules(for: checkpoint).json.fitted(to: 110)
        #expect(draft.contains("\"note\": \"no shape tells in which order a patch's values"))
        draft = draft.replacing("\"rows\"", with: "\"conventions\": {\"layerNormEpsilon\": 1e-5}, \"rows\"")
        let path = try folder.file("draft.json", Array(draft.utf8))
        try expectParity(try PreparedModel(checkpoint, options: try options(path)))
    }

    @Test func aNameThatNoSchemeKnowsPointsToTheDraft() {
        let error = #expect(throws: ToolkitError.self) { try PreparedModel(checkpoint) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("suggest-rules"))
        #expect(text.contains("--rules"))
    }

    @Test func errorsNameTheFileAndTheRow() throws {
        let path = try folder.file(
            "bad.json", Array(#"{"name": "m", "fingerprint": ["a"], "rows": [{}]}"#.utf8))
        let error = #expect(throws: (any Error).self) { try options(path) }
        #expect(error.map { "\($0)" } == "\(path): rows[0]: the key \"from\" is missing")
        #expect(throws: (any Error).self) { try options(folder.path + "none.json") }
        let large = try folder.file("large.json", [UInt8](repeating: 0x20, count: (1 << 20) + 1))
        let tooLarge = #expect(throws: (any Error).self) { try options(large) }
        #expect(tooLarge.map { "\($0)".contains("at most 1048576 bytes") } == true)
    }

    /// What a table may name as a parameter, and what it may say of conventions, are the model's own.
    @Test func theTablesWordsAreTheModels() throws {
        #expect(NamingScheme.Conventions.knownPoolings == ViTConfiguration.Pooling.allCases.map(\.rawValue))
        #expect(
            NamingScheme.Conventions.knownPositions == ViTConfiguration.Positions.allCases.map(\.rawValue))
        #expect(NamingScheme.Conventions.knownMLPs == ViTConfiguration.MLPKind.allCases.map(\.rawValue))
        var configuration = ViTConfiguration()
        (configuration.patchNorm, configuration.qkNorm, configuration.layerScale) = (true, true, true)
        (configuration.distilled, configuration.registers, configuration.preNorm) = (true, 4, true)
        (configuration.mlpNorm, configuration.fcNorm, configuration.preLogits) = (true, true, 768)
        (configuration.pooling, configuration.poolPositions) = (.attention, true)
        for mlp in ViTConfiguration.MLPKind.allCases {
            configuration.mlp = mlp
            for parameter in configuration.parameters {
                #expect(
                    NameTemplate.canonical.contains { $0.match(parameter.name) != nil }, "\(parameter.name)")
            }
        }
    }
}
