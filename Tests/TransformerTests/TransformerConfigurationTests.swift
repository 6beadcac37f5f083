import TensorCore
import Testing

@testable import Layers
@testable import Transformer

@Suite struct TransformerConfigurationTests {
    private static func shapes(_ configuration: TransformerConfiguration) -> [(name: String, shape: Shape)] {
        configuration.parameters.map { ($0.name, $0.shape) }
    }

    private static func changed(_ change: (inout TransformerConfiguration) -> Void)
        -> TransformerConfiguration
    {
        var configuration = TransformerConfiguration()
        change(&configuration)
        return configuration
    }

    /// torch: `sum(p.numel() for p in nn.Transformer(**sizes).parameters())`.
    @Test func parametersAreAsManyAsTorchs() {
        #expect(TransformerConfiguration().parameterCount == 44_140_544)
        let big = Self.changed { ($0.width, $0.heads, $0.hidden) = (1024, 16, 4096) }
        #expect(big.parameterCount == 176_361_472)
        #expect(Self.changed { $0.bias = false }.parameterCount == 44_056_576)
        #expect(
            TransformerConfiguration().summary
                == "Transformer base, 6 + 6 layers, width 512, 8 heads, 44.1 M parameters")
        #expect(big.summary.hasPrefix("Transformer big, "))
    }

    @Test(
        arguments: [
            { _ in },
            { $0.encoderDepth = 3 },
            { ($0.width, $0.heads, $0.hidden) = (1024, 16, 4096) },
            { $0.bias = false },
            { $0.encoderNorm = false },
            { ($0.decoderNorm, $0.decoderDepth) = (false, 1) },
        ] as [@Sendable (inout TransformerConfiguration) -> Void])
    func formsAreToldFromTheirParameters(
        _ change: @Sendable (inout TransformerConfiguration) -> Void
    ) throws {
        let expected = Self.changed(change)
        let (found, remarks) = try TransformerConfiguration.infer(from: Self.shapes(expected))
        #expect(found == expected)
        #expect(remarks.contains { $0.contains("--norm-first") })
        // A published model's heads are no guess.
        let isPublished = expected.encoderDepth == 6 && expected.decoderDepth == 6
        #expect(remarks.contains { $0.contains("--heads") } != isPublished)
    }

    @Test func whatNobodyCanTellIsAsked() throws {
        let narrow = Self.changed { ($0.width, $0.heads) = (48, 3) }
        #expect(throws: TransformerError.self) {
            try TransformerConfiguration.infer(from: Self.shapes(narrow))
        }
        var overrides = TransformerConfiguration.Overrides()
        overrides.heads = 3
        overrides.normFirst = true
        overrides.activation = .gelu
        overrides.layerNormEpsilon = 1e-6
        let (found, remarks) = try TransformerConfiguration.infer(
            from: Self.shapes(narrow), overrides: overrides)
        #expect(
            found
                == Self.changed {
                    ($0.width, $0.heads, $0.normFirst, $0.activation) = (48, 3, true, .gelu)
                    $0.layerNormEpsilon = 1e-6
                })
        #expect(remarks.isEmpty)
        overrides.heads = 5
        let error = #expect(throws: TransformerError.self) {
            try TransformerConfiguration.infer(from: Self.shapes(narrow), overrides: overrides)
        }
        #expect(error == .configuration("a width of 48 cannot be divided into 5 heads"))
    }

    @Test func whatIsMissingIsNamed() throws {
        let whole = Self.shapes(TransformerConfiguration())
        func error(without part: String) -> TransformerError? {
            #expect(throws: TransformerError.self) {
                try TransformerConfiguration.infer(from: whole.filter { !$0.name.hasPrefix(part) })
            }
        }
        #expect(error(without: "decoder.") == .notATransformer(missing: ["decoder.layers.0"]))
        #expect(error(without: "encoder.layers.3.") == .notATransformer(missing: ["encoder.layers.3"]))
        #expect(
            error(without: "encoder.layers.0.linear1.weight")
                == .notATransformer(missing: ["encoder.layers.0.linear1.weight"]))
        let odd = try whole.map { ($0.name, $0.name.hasSuffix("in_proj_weight") ? try Shape([7]) : $0.shape) }
        let shape = #expect(throws: TransformerError.self) { try TransformerConfiguration.infer(from: odd) }
        guard case .unusableShape("encoder.layers.0.self_attn.in_proj_weight", _, _) = shape else {
            Issue.record("\(String(describing: shape))")
            return
        }
    }

    @Test func jsonHoldsEverything() throws {
        let configuration = Self.changed {
            ($0.width, $0.heads, $0.encoderDepth, $0.decoderDepth, $0.hidden) = (96, 6, 2, 3, 100)
            ($0.bias, $0.encoderNorm, $0.decoderNorm, $0.normFirst) = (false, false, false, true)
            ($0.activation, $0.layerNormEpsilon) = (.geluTanh, 1e-6)
        }
        let text = configuration.json.compact
        #expect(try TransformerConfiguration(json: JSONParser.parse(Array(text.utf8))) == configuration)
        let sizes = #"{"width": 96, "heads": 6, "encoderDepth": 2, "decoderDepth": 3, "hidden": 100}"#
        let plain = try TransformerConfiguration(json: JSONParser.parse(Array(sizes.utf8)))
        #expect(plain.bias && plain.encoderNorm && plain.activation == .relu)
        for (broken, key) in [
            (#"{"width": 96}"#, "heads"), ("[]", ""),
            (String(sizes.dropLast()) + #", "activation": "smooth"}"#, "activation"),
        ] {
            let error = #expect(throws: ConfigurationKeyError.self) {
                try TransformerConfiguration(json: JSONParser.parse(Array(broken.utf8)))
            }
            #expect(error?.key == key)
        }
        let many = sizes.replacing("\"heads\": 6", with: "\"heads\": 7")
        #expect(throws: TransformerError.self) {
            try TransformerConfiguration(json: JSONParser.parse(Array(many.utf8)))
        }
    }
}
