import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// `config.json` and its like beside a checkpoint: what is taken from them, and what is refused.
@Suite struct ModelDescriptionTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A fixture's folder with one key of its `config.json` changed; nil takes the key away.
    private func changed(
        _ fixture: String, _ key: String, to value: JSONValue?, file: String = "model.safetensors"
    ) throws -> String {
        let source = "schemes/torch/\(fixture)/"
        let json = try JSONParser.parse(try Fixtures.bytes(source + "config.json"))
        var members = (json.members ?? []).filter { $0.key != key }
        if let value { members.append(.init(key, value)) }
        _ = try folder.file("config.json", Array(JSONValue.object(members).compact.utf8))
        _ = try folder.file(file, try Fixtures.bytes(source + "model.safetensors"))
        return folder.path
    }

    private func message(_ path: String, _ options: ModelOptions = ModelOptions()) throws -> String {
        let error = #expect(throws: (any Error).self) {
            try PreparedModel(try Checkpoint(path: path), options: options)
        }
        return "\(try #require(error))"
    }

    @Test(arguments: [
        ("hidden_act", JSONValue.string("relu"), "expected a form of GELU"),
        ("hidden_act", .integer(3), "expected a text, found 3"),
        ("num_attention_heads", .string("three"), "found \"three\""),
        ("num_attention_heads", .integer(5), "expected a divisor of hidden_size, 24, found 5"),
        ("num_attention_heads", .integer(0), "1 or more"),
        ("layer_norm_eps", .string("1e-12"), "expected a number"),
        ("layer_norm_eps", .integer(2), "between 0 and 1"),
        ("image_size", .integer(224), "it says 224×224, the tensors say 32×32"),
        ("image_size", .array([.integer(32)]), "[height, width]"),
        ("patch_size", .integer(16), "it says 16×16, the tensors say 8×8"),
        ("num_channels", .integer(1), "it says 1, the tensors say 3"),
        ("hidden_size", .integer(48), "it says 48, the tensors say 24"),
        ("num_hidden_layers", .integer(12), "it says 12, the tensors say 2"),
        ("intermediate_size", .integer(96), "it says 96, the tensors say 48"),
        ("qkv_bias", .bool(false), "it says false, the tensors say true"),
        ("id2label", .object([.init("0", .string("cat"))]), "it says 1 classes, the tensors say 10 classes"),
        ("id2label", .object([.init("1", .string("cat"))]), "the numbers from 0 to 0"),
        ("id2label", .string("cat"), "expected an object"),
        ("model_type", .string("swin"), "expected a Vision Transformer that is computed here"),
        ("model_type", .integer(1), "expected a text"),
    ])
    func whatCannotBeIsToldWithFileAndKey(_ key: String, _ value: JSONValue, _ expected: String) throws {
        let text = try message(try changed("hf_vit", key, to: value))
        #expect(text.contains("config.json: \(key): "), "\(text)")
        #expect(text.contains(expected), "\(text)")
    }

    @Test func aModelThatIsNoneOfOursSaysSo() throws {
        _ = try folder.file("config.json", Array("{\"model_type\": \"swin\"}".utf8))
        _ = try folder.file("pytorch_model.bin", try Fixtures.bytes("torch/plain_zip.pth"))
        #expect(try message(folder.path).contains("config.json: model_type: expected a Vision Transformer"))
    }

    @Test func anotherActivationOfThePoolerIsRefused() throws {
        let text = try message(try changed("hf_vit_model", "pooler_act", to: .string("relu")))
        #expect(text.contains("config.json: pooler_act: expected tanh, found \"relu\""))
        // A model without a pooler does not look at it.
        _ = try PreparedModel(try Checkpoint(path: try changed("hf_vit", "pooler_act", to: .string("relu"))))
    }

    @Test func whatTheUserSaysGoesFirst() throws {
        let path = try changed("hf_vit", "num_attention_heads", to: .integer(4))
        var options = ModelOptions()
        (options.heads, options.gelu, options.layerNormEpsilon) = (3, .tanh, 1e-5)
        let configuration = try PreparedModel(try Checkpoint(path: path), options: options).configuration
        #expect(configuration.heads == 3 && configuration.gelu == .tanh)
        #expect(configuration.layerNormEpsilon == 1e-5)
    }

    @Test func theImageSizeResamples() throws {
        var options = ModelOptions()
        options.imageSize = .init(height: 32, width: 48)
        let path = Fixtures.path("schemes/torch/hf_vit_odd")
        let prepared = try PreparedModel(try Checkpoint(path: path), options: options)
        #expect(try prepared.configuration.gridSize == .init(height: 8, width: 6))
        #expect(prepared.parameters.first { $0.name == "pos_embed" }?.view.shape.dimensions == [1, 49, 24])
    }

    /// OpenCLIP's tensors do not tell the form of GELU, so that a guess is told; its own description does.
    @Test func aGuessedActivationIsTold() throws {
        let guessed = try ModelFixture.named("openclip.pth").prepared()
        #expect(guessed.remarks.contains { $0.contains("--gelu quick") })
        let described = try ModelFixture.named("openclip_hub").prepared()
        #expect(!described.remarks.contains { $0.contains("--gelu quick") })
    }

    @Test func aNewHeadHasNoLabels() throws {
        var options = ModelOptions()
        options.classes = 3
        let path = Fixtures.path("schemes/torch/hf_vit")
        let configuration = try PreparedModel(try Checkpoint(path: path), options: options).configuration
        #expect(configuration.classes == 3 && configuration.labels == nil)
    }

    @Test func labelsThatNobodyGaveAreNone() throws {
        let labels = (0..<10).map { JSONValue.Member("\($0)", .string("LABEL_\($0)")) }
        let path = try changed("hf_vit", "id2label", to: .object(labels))
        #expect(try PreparedModel(try Checkpoint(path: path)).configuration.labels == nil)
    }

    /// Without `config.json` nothing but the scheme's conventions is left.
    @Test func aFileOfAnotherNameStandsForItself() throws {
        _ = try changed("hf_vit", "num_attention_heads", to: .integer(5), file: "mine.safetensors")
        var options = ModelOptions()
        options.heads = 3
        let path = folder.path + "mine.safetensors"
        let configuration = try PreparedModel(try Checkpoint(path: path), options: options).configuration
        #expect(configuration.layerNormEpsilon == 1e-12 && configuration.labels == nil)
    }

    @Test func damagedFilesAreErrors() throws {
        _ = try changed("hf_vit", "x", to: nil)
        for (text, expected) in [("{\"hidden_size\": ", "config.json"), ("[1, 2]", "expected a JSON object")]
        {
            _ = try folder.file("config.json", Array(text.utf8))
            #expect(try message(folder.path).contains(expected))
        }
    }

    @Test(arguments: [
        ("image_mean", JSONValue.array([.number(0.5)]), "preprocessor_config.json: image_std"),
        ("image_std", .string("0.5"), "preprocessor_config.json: image_std: expected a list of numbers"),
    ])
    func preprocessingIsChecked(_ key: String, _ value: JSONValue, _ expected: String) throws {
        _ = try changed("hf_vit", "x", to: nil)
        let three = JSONValue.array([.number(0.5), .number(0.5), .number(0.5)])
        let members = [("image_mean", three), ("image_std", three)].map { JSONValue.Member($0, $1) }
        let json = JSONValue.object(members.filter { $0.key != key } + [.init(key, value)])
        _ = try folder.file("preprocessor_config.json", Array(json.compact.utf8))
        #expect(try message(folder.path).contains(expected))
    }

    @Test func timmsPoolingsAreChecked() throws {
        let text = try message(
            try changed("timm_hub", "model_args", to: .object([.init("global_pool", .string("avgmax"))])))
        #expect(text.contains("config.json: model_args.global_pool: expected token, avg or map"), "\(text)")
    }

    @Test(arguments: [
        ("vit_so400m_patch16_siglip_384.v2_webli", ViTConfiguration.GELU.tanh),
        ("vit_so400m_patch14_siglip_384.webli", .exact), ("vit_base_patch32_clip_quickgelu_224", .quick),
    ])
    func timmsNameTellsTheFormOfGELU(_ architecture: String, _ expected: ViTConfiguration.GELU) throws {
        let path = try changed("timm_hub", "architecture", to: .string(architecture))
        #expect(try PreparedModel(try Checkpoint(path: path)).configuration.gelu == expected)
    }

    @Test(arguments: [("test_vit", 2), ("test_vit3.r160_in1k", 3), ("vit_giantopt_patch16_siglip_256", 16)])
    func timmsNameTellsUnusualHeads(_ architecture: String, _ expected: Int) {
        #expect(TimmArchitecture.heads(architecture) == expected)
    }

    /// Its tensors have the names of all others.
    @Test(arguments: [
        ("vit_base_patch16_rpn_224", "norms behind attention"), ("vit_pe_core_tiny_patch16_384", "rotary"),
        ("vit_small_patch16_dinov3.lvd1689m", "rotary"),
    ])
    func whatTimmsNameTellsIsRefused(_ architecture: String, _ expected: String) throws {
        let text = try message(try changed("timm_hub", "architecture", to: .string(architecture)))
        #expect(text.contains("config.json: architecture: expected a model without \(expected)"), "\(text)")
    }

    /// What is written for transformers says what transformers itself wrote of the same model.
    @Test(arguments: ModelFixture.schemes.filter { $0.name.hasPrefix("hf_") && !$0.name.hasSuffix(".pth") })
    func whatIsWrittenIsWhatTheLibraryWrites(_ fixture: ModelFixture) throws {
        let library = try JSONParser.parse(
            try Fixtures.bytes(fixture.folder + fixture.file + "/config.json"))
        let configuration = try fixture.prepared().configuration
        let ours = try #require(
            try HuggingFaceConfiguration.json(for: configuration, scheme: fixture.scheme))
        // The towers of whole models are written alone.
        let isTower = library["vision_config"] != nil
        let described = library["vision_config"] ?? library
        for member in ours.members ?? [] {
            if ["use_mask_token", "projection_dim"].contains(member.key) { continue }
            if isTower && member.key == "architectures" || fixture.name == "hf_mae" { continue }
            if member.key == "hidden_act", configuration.gelu == .tanh { continue }
            if member.key == "label2id" {
                #expect(Set(member.value.members?.map(\.key) ?? []) == Set(configuration.labels ?? []))
                continue
            }
            let expected = described[member.key]
            #expect(
                member.value == expected
                    || member.value.double != nil && member.value.double == expected?.double,
                "\(member.key)")
        }
        #expect(
            library["hidden_act"]?.string != "gelu_new" || ours["hidden_act"] == .string("gelu_pytorch_tanh"))
    }
}
