import TensorCore
import Testing

@testable import Layers
@testable import ViT

@Suite struct ConfigurationTests {
    /// A configuration in which nothing has its default.
    static var unusual: ViTConfiguration {
        var c = ViTConfiguration()
        c.imageSize = .init(height: 32, width: 48)
        c.patchSize = .init(height: 4, width: 8)
        (c.channels, c.width, c.depth, c.heads, c.hidden, c.classes) = (1, 24, 2, 3, 40, 5)
        (c.patchBias, c.patchNorm, c.qkvBias, c.qkNorm, c.qkScale) = (false, true, false, true, 0.5)
        (c.mlp, c.mlpNorm, c.gelu, c.layerScale) = (.swiGLUPacked, true, .tanh, true)
        (c.classToken, c.distilled, c.registers, c.positions) = (false, false, 4, .patches)
        (c.preNorm, c.norm, c.fcNorm, c.pooling) = (true, false, true, .attention)
        (c.poolHidden, c.poolPositions, c.preLogits, c.headBias) = (30, true, 7, false)
        c.layerNormEpsilon = 1e-12
        c.preprocessing = .init(mean: [0.5], standardDeviation: [0.25])
        return c
    }

    @Test func jsonRoundTrip() throws {
        for configuration in [Self.unusual, ViTConfiguration()] + ViTVariant.all.map(\.configuration) {
            let text = configuration.json.compact
            let read = try ViTConfiguration(json: JSONParser.parse(Array(text.utf8)))
            #expect(read == configuration)
            #expect(read.json.compact == text)
        }
    }

    @Test func jsonToleratesWhatIsMissingOrUnknown() throws {
        let text = """
            {"width": 192, "depth": 12, "heads": 3, "hidden": 768, "classes": 10, "imageSize": [224, 224],
             "patchSize": [16, 16], "gelu": null, "comment": "not ours"}
            """
        let configuration = try ViTConfiguration(json: JSONParser.parse(Array(text.utf8)))
        #expect(configuration.width == 192 && configuration.channels == 3 && configuration.gelu == .exact)
    }

    @Test(arguments: [
        (#"{"patchSize": [16, 16]}"#, "imageSize"),
        (#"{"imageSize": [224], "patchSize": [16, 16]}"#, "imageSize"),
        (#"{"imageSize": [8, 8], "patchSize": [8, 8], "width": "many"}"#, "width"),
        (
            #"{"imageSize": [8, 8], "patchSize": [8, 8], "width": 8, "depth": 1, "heads": 1, "hidden": 8, "#
                + #""classes": 0, "gelu": "smooth"}"#, "gelu"
        ), ("[]", ""),
    ])
    func jsonErrorsNameTheKey(_ text: String, _ key: String) throws {
        let json = try JSONParser.parse(Array(text.utf8))
        let error = #expect(throws: ConfigurationKeyError.self) { try ViTConfiguration(json: json) }
        #expect(error?.key == key)
    }

    @Test func sizesThatDoNotFitTogetherAreRefused() {
        func refused(_ change: (inout ViTConfiguration) -> Void) -> Bool {
            var configuration = ViTConfiguration()
            change(&configuration)
            do {
                try configuration.validate()
                return false
            } catch {
                return true
            }
        }
        #expect(!refused { _ in })
        #expect(refused { $0.heads = 7 })
        #expect(refused { $0.width = 0 })
        #expect(refused { $0.width = .max })
        #expect(refused { $0.imageSize = .init(8) })
        #expect(refused { $0.imageSize = .init(height: -224, width: 224) })
        #expect(refused { $0.layerNormEpsilon = .nan })
        #expect(refused { $0.classToken = false })
        #expect(refused { ($0.distilled, $0.preLogits) = (true, 768) })
        #expect(refused { $0.preprocessing = .init(mean: [0.5], standardDeviation: [0.5]) })
    }
}

@Suite struct VariantTests {
    /// Counted by timm 1.0.31, plus width² + width for the pre-logits that it has no more.
    @Test(arguments: [
        ("vit_base_patch16_224", 86_567_656), ("vit_base_patch16_224_in21k", 103_186_515),
        ("vit_base_patch32_224", 88_224_232), ("vit_base_patch32_224_in21k", 104_843_091),
        ("vit_large_patch16_224", 304_326_632), ("vit_large_patch16_224_in21k", 326_740_307),
        ("vit_large_patch32_224_in21k", 328_949_075), ("vit_huge_patch14_224_in21k", 660_385_363),
        ("vit_tiny_patch16_224", 5_717_416), ("deit_tiny_distilled_patch16_224", 5_910_800),
        ("deit_base_distilled_patch16_384", 87_630_032),
    ])
    func parameterCount(_ name: String, _ count: Int) throws {
        #expect(try #require(ViTVariant.named(name)).configuration.parameterCount == count)
    }

    @Test func thereAre154TensorsInTheSeedsCheckpoint() throws {
        let parameters = try #require(ViTVariant.named("vit_base_patch16_224_in21k")).configuration.parameters
        #expect(parameters.count == 154)
        #expect(parameters.prefix(3).map(\.name) == ["cls_token", "pos_embed", "patch_embed.proj.weight"])
        #expect(
            parameters.suffix(4).map(\.name) == [
                "pre_logits.fc.weight", "pre_logits.fc.bias", "head.weight", "head.bias",
            ])
        #expect(Set(parameters.map(\.name)).count == 154)
    }

    @Test(arguments: [
        ("vit_base_patch16_224_in21k", "ViT-B/16, 224, 21843 classes, pre-logits, 103.2 M parameters"),
        ("deit_tiny_distilled_patch16_224", "DeiT-Ti/16 distilled, 224, 1000 classes, 5.9 M parameters"),
        ("vit_large_patch32_384", "ViT-L/32, 384, 1000 classes, 306.6 M parameters"),
    ])
    func description(_ name: String, _ text: String) throws {
        #expect(ViTVariant.describe(try #require(ViTVariant.named(name)).configuration) == text)
    }

    @Test func unusualModelsAreDescribedToo() {
        #expect(
            ViTVariant.describe(ConfigurationTests.unusual)
                == "ViT/4×8, width 24, depth 2, 3 heads, 32×48, 1 channel, 5 classes, pre-logits, 4 registers, "
                + "attention pooling, 18.6 K parameters")
    }

    @Test func mistypedNamesHaveCandidates() {
        #expect(ViTVariant.named("vit_base_patch16") == nil)
        #expect(ViTVariant.candidates(for: "vit_base_patch16").first == "vit_base_patch16_224")
        #expect(ViTVariant.candidates(for: "VIT_BASE_PATCH16_22").first == "vit_base_patch16_224")
        #expect(ViTVariant.candidates(for: "vit_huge_patch14_224").first == "vit_huge_patch14_224_in21k")
        #expect(ViTVariant.candidates(for: "distilled").allSatisfy { $0.contains("distilled") })
        #expect(ViTVariant.candidates(for: "resnet50").isEmpty)
        #expect(Set(ViTVariant.all.map(\.name)).count == ViTVariant.all.count)
    }
}
