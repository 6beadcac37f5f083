import TensorCore
import Testing

@testable import ViT

@Suite struct InferenceTests {
    private func infer(
        _ configuration: ViTConfiguration, heads: Int? = nil,
        changing change: (inout [String: Shape]) -> Void = { _ in },
        knowing tell: (inout ViTConfiguration.Overrides) -> Void = { _ in }
    ) throws -> (configuration: ViTConfiguration, remarks: [String]) {
        var shapes = Dictionary(uniqueKeysWithValues: configuration.parameters.map { ($0.name, $0.shape) })
        change(&shapes)
        var known = ViTConfiguration.Overrides()
        known.heads = heads
        tell(&known)
        return try ViTConfiguration.infer(
            from: shapes.map { (name: $0.key, shape: $0.value) }, overrides: known)
    }

    private static let small = {
        var c = ViTConfiguration()
        (c.imageSize, c.patchSize) = (.init(32), .init(8))
        (c.width, c.depth, c.heads, c.hidden, c.classes) = (24, 2, 3, 48, 10)
        return c
    }()

    @Test(arguments: ViTVariant.all.map(\.name))
    func everyVariantIsToldFromItsParameters(_ name: String) throws {
        var expected = try #require(ViTVariant.named(name)).configuration
        expected.preprocessing = nil
        let (found, remarks) = try infer(expected)
        #expect(found == expected)
        #expect(remarks.isEmpty)
    }

    @Test(
        arguments: [
            { $0.registers = 4 },
            { ($0.registers, $0.positions) = (4, .classAndPatches) },
            { ($0.registers, $0.positions) = (4, .patches) },
            { $0.positions = .patches },
            { ($0.qkvBias, $0.patchBias, $0.preNorm, $0.layerNormEpsilon) = (false, false, true, 1e-5) },
            { ($0.layerScale, $0.mlp, $0.mlpNorm) = (true, .swiGLU, true) },
            { ($0.mlp, $0.hidden) = (.swiGLUPacked, 17) },
            { ($0.pooling, $0.norm, $0.fcNorm) = (.average, false, true) },
            { ($0.pooling, $0.classToken) = (.average, false) },
            { ($0.pooling, $0.classToken, $0.poolHidden, $0.poolPositions) = (.attention, false, 11, true) },
            { $0.classes = 0 }, { $0.headBias = false }, { $0.preLogits = 40 }, { $0.channels = 1 },
            { $0.distilled = true }, { $0.patchNorm = true },
        ] as [@Sendable (inout ViTConfiguration) -> Void])
    func everyFormIsToldFromItsParameters(_ change: @Sendable (inout ViTConfiguration) -> Void) throws {
        var expected = Self.small
        change(&expected)
        #expect(try infer(expected, heads: 3).configuration == expected)
    }

    /// 24 patches and a class token have as many rows as 25 patches.
    @Test func oblongImagesAreNotTakenForSquareOnes() throws {
        var expected = Self.small
        expected.imageSize = .init(height: 32, width: 48)
        let guess = try infer(expected, heads: 3)
        #expect(guess.configuration.positions == .patches)
        #expect(guess.remarks.contains { $0.contains("--image-size") })
        #expect(throws: ViTError.self) {
            try infer(expected, heads: 3) { _ in
            } knowing: {
                $0.usualPositions = [.all]
            }
        }
        let known = try infer(expected, heads: 3) { _ in
        } knowing: {
            $0.imageSize = expected.imageSize
        }
        #expect(known.configuration == expected && known.remarks.isEmpty)
    }

    @Test func theNormBeforeTheBlocksIsCLIPs() throws {
        var expected = Self.small
        expected.preNorm = true
        let (found, remarks) = try infer(expected, heads: 3)
        #expect(found.layerNormEpsilon == 1e-5 && remarks.count == 1)
        #expect(
            try infer(expected, heads: 3, knowing: { $0.layerNormEpsilon = 1e-6 }).configuration == expected)
    }

    @Test func rectangularImagesNeedTheirSize() throws {
        var expected = Self.small
        expected.imageSize = .init(height: 32, width: 56)
        let error = #expect(throws: ViTError.self) { try infer(expected, heads: 3) }
        #expect(error?.description.contains("28 rows for patches, which is no square") == true)
        let found = try infer(expected, heads: 3, knowing: { $0.imageSize = .init(height: 32, width: 56) })
        #expect(found.configuration == expected)
        // A size decides even where a square would fit as well.
        expected.imageSize = .init(height: 16, width: 64)
        #expect(try infer(expected, heads: 3).configuration.imageSize == .init(32))
        let told = try infer(expected, heads: 3, knowing: { $0.imageSize = .init(height: 16, width: 64) })
        #expect(told.configuration == expected)
    }

    @Test func aSizeOfAnotherGridIsLeftToResampling() throws {
        let (found, remarks) = try infer(Self.small, heads: 3, knowing: { $0.imageSize = .init(64) })
        #expect(found == Self.small)
        #expect(remarks.count == 1 && remarks[0].contains("4×4 patches"))
    }

    @Test func headsComeFromTheBestSource() throws {
        var configuration = Self.small
        (configuration.width, configuration.hidden, configuration.heads) = (128, 256, 2)
        let (guessed, remarks) = try infer(configuration)
        #expect(guessed.heads == 2 && remarks.count == 1 && remarks[0].contains("--heads"))
        #expect(try infer(configuration, heads: 16).configuration.heads == 16)
        #expect(throws: ViTError.self) { try infer(configuration, heads: 3) }
        #expect(throws: ViTError.self) { try infer(configuration, heads: 0) }
        #expect(throws: ViTError.self) { try infer(Self.small) }

        var normed = Self.small
        normed.qkNorm = true
        #expect(try infer(normed).configuration == normed)
    }

    @Test func overridesAreTaken() throws {
        let found = try infer(
            Self.small, heads: 3,
            knowing: {
                ($0.gelu, $0.layerNormEpsilon, $0.qkScale, $0.pooling) = (.quick, 1e-5, 0.25, .average)
            }
        ).configuration
        #expect(found.gelu == .quick && found.layerNormEpsilon == 1e-5 && found.qkScale == 0.25)
        #expect(found.pooling == .average && found.norm)
    }

    @Test func whatIsMissingIsNamed() {
        for name in [
            "patch_embed.proj.weight", "pos_embed", "blocks.0.mlp.fc1.weight", "blocks.0.mlp.fc2.weight",
        ] {
            let error = #expect(throws: ViTError.self) {
                try infer(Self.small, heads: 3, changing: { $0[name] = nil })
            }
            #expect(error == .notAVisionTransformer(missing: [name]))
        }
        let none = #expect(throws: ViTError.self) {
            try ViTConfiguration.infer(from: [("layer1.weight", .scalar)])
        }
        #expect(none?.description.contains("patch_embed.proj.weight, no pos_embed") == true)
        let gap = #expect(throws: ViTError.self) {
            try infer(Self.small, heads: 3, changing: { $0["blocks.999999999999.norm1.weight"] = .scalar })
        }
        #expect(gap == .notAVisionTransformer(missing: ["blocks.2"]))
    }

    /// Shapes from strangers: every tensor in turn with lengths that overflow whatever multiplies them.
    @Test func hostileShapesAreErrors() throws {
        let big = 1 << 61
        for parameter in Self.small.parameters {
            for length in [0, 1, 3, 65_537, big, .max] {
                for axis in 0..<parameter.shape.rank {
                    var dimensions = parameter.shape.dimensions
                    dimensions[axis] = length
                    // A zero elsewhere makes any other length a valid shape.
                    for zero in [nil] + (0..<dimensions.count).map(Optional.some) {
                        var dimensions = dimensions
                        if let zero { dimensions[zero] = 0 }
                        guard let shape = try? Shape(dimensions) else { continue }
                        let found = try? infer(Self.small, heads: 1, changing: { $0[parameter.name] = shape })
                        if let found { #expect(found.configuration.parameterCount >= 0) }
                    }
                }
            }
        }
    }
}
