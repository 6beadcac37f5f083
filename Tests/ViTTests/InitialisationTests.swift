import TensorCore
import Testing

@testable import Layers
@testable import ViT

@Suite struct InitialisationTests {
    private static let configuration = {
        var c = ViTConfiguration()
        (c.imageSize, c.patchSize) = (.init(32), .init(8))
        (c.width, c.depth, c.heads, c.hidden, c.classes) = (96, 1, 3, 384, 1000)
        c.distilled = true
        c.layerScale = true
        return c
    }()

    private func values(_ name: String, seed: UInt64 = 1) throws -> [Float] {
        let initialisation = ViTInitialisation(Self.configuration, seed: seed)
        return initialisation.values(
            of: try #require(Self.configuration.parameters.first { $0.name == name }))
    }

    /// The first numbers of Blackman and Vigna's own xoshiro256starstar.c for the state 1, 2, 3, 4.
    @Test func generatorIsXoshiro() {
        var source = RandomSource(state: (1, 2, 3, 4))
        let numbers = (0..<6).map { _ in source.next() }
        #expect(
            numbers == [
                11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
                607_988_272_756_665_600,
            ])
    }

    @Test func logarithmIsTheLogarithm() {
        var source = RandomSource(seed: 3)
        for x in [1, 0.5, 1.4142135623730951, 1.414213562373096, 0x1p-106]
            + (0..<2000).map({ _ in source.uniform() })
        {
            guard x > 0 else { continue }
            let expected = log(x)
            #expect(
                abs(NormalDistribution.logarithm(x) - expected) <= 4e-16 * max(abs(expected), 0.5), "\(x)")
        }
    }

    /// Mean, deviation, third and fourth moment within five standard errors of those of the normal distribution.
    private func expectNormal(_ values: [Float], deviation: Double) {
        let n = Double(values.count)
        let z = values.map { Double($0) / deviation }
        func moment(_ power: Int) -> Double {
            z.reduce(0.0) { sum, z in sum + (0..<power).reduce(1.0) { product, _ in product * z } } / n
        }
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
            #expect(abs(moment(power) - expected) < 5 * (variance / n).squareRoot(), "moment \(power)")
        }
    }

    @Test func linearWeightsAreNormal() throws {
        expectNormal(try values("head.weight"), deviation: 0.01)
        expectNormal(try values("blocks.0.mlp.fc1.weight"), deviation: 0.01)
    }

    @Test func patchConvolutionIsKaimingNormalOverItsOutputs() throws {
        expectNormal(try values("patch_embed.proj.weight"), deviation: (2.0 / (96 * 8 * 8)).squareRoot())
    }

    @Test func tokensAndPositionsAreNormal() throws {
        expectNormal(
            try values("pos_embed") + values("cls_token") + values("dist_token"), deviation: 0.02)
    }

    /// Which kind of parameter is drawn from which distribution, for every variant and every form of the model.
    @Test func everyParameterHasItsDistribution() throws {
        var configurations = ViTVariant.all.map(\.configuration)
        for change in SmallModel.forms {
            var configuration = SmallModel.configuration
            change(&configuration)
            configurations.append(configuration)
        }
        for configuration in configurations {
            let initialisation = ViTInitialisation(configuration, seed: 0)
            for parameter in configuration.parameters {
                let last = parameter.name.split(separator: ".").last.map(String.init) ?? ""
                let expected: ViTInitialisation.Distribution =
                    switch (parameter.name, last, parameter.shape.rank) {
                    case ("cls_token", _, _), ("dist_token", _, _), ("reg_token", _, _), ("pos_embed", _, _):
                        .truncatedNormal(standardDeviation: 0.02)
                    case (_, "latent", _), (_, "pos_embed", _):
                        .truncatedNormal(standardDeviation: 1 / Double(configuration.width).squareRoot())
                    case ("patch_embed.proj.weight", _, _):
                        .normal(
                            standardDeviation: (2
                                / Double(
                                    configuration.width * configuration.patchSize.height
                                        * configuration.patchSize.width)).squareRoot())
                    case (_, "gamma", 1): .constant(1e-5)
                    case (_, "bias", 1): .constant(0)
                    case (_, "weight", 1): .constant(1)
                    case (_, "weight", 2): .truncatedNormal(standardDeviation: 0.01)
                    default: .constant(.nan)
                    }
                #expect(initialisation.distribution(of: parameter) == expected, "\(parameter.name)")
            }
        }
    }

    /// Of 18,000 and more normal numbers some lie beyond 3.5 standard deviations (one in 2,150 does), and none beyond 7
    /// (one in 4·10¹¹): a cut, or a wrong scale of a few, shows.
    @Test func tailsAreThereAndEnd() throws {
        let kinds: [(names: [String], deviation: Float)] = [
            (["head.weight", "head_dist.weight"], 0.01),
            (["blocks.0.attn.qkv.weight", "blocks.0.mlp.fc1.weight"], 0.01),
            (["patch_embed.proj.weight"], (2.0 / (96 * 8 * 8) as Float).squareRoot()),
        ]
        for (names, deviation) in kinds {
            let sizes = try names.flatMap { try values($0).map { abs($0) / deviation } }
            #expect(sizes.count >= 18_000)
            #expect(sizes.contains { $0 > 3.5 }, "\(names)")
            #expect(sizes.allSatisfy { $0 < 7 }, "\(names)")
        }
    }

    @Test func truncationDrawsAgain() {
        var (source, normal) = (RandomSource(seed: 5), NormalDistribution())
        let drawn = (0..<20_000).map { _ in normal.draw(from: &source, standardDeviation: 2, within: 2) }
        #expect(drawn.allSatisfy { abs($0) <= 2 })
        // Truncated at one standard deviation: variance 1 − 2φ(1)/(2Φ(1) − 1) = 0.29112 of the whole.
        let variance = drawn.reduce(0) { $0 + $1 * $1 } / 20_000
        #expect(abs(variance / 4 - 0.29112) < 0.01)
        #expect(drawn.contains { abs($0) > 1.9 })
    }

    @Test func biasesAreZeroNormsOneAndLayerScaleSmall() throws {
        for parameter in Self.configuration.parameters {
            let values = try values(parameter.name)
            if parameter.name.hasSuffix(".bias") {
                #expect(values.allSatisfy { $0 == 0 }, "\(parameter.name)")
            }
            if parameter.name.contains("norm"), parameter.name.hasSuffix(".weight") {
                #expect(values.allSatisfy { $0 == 1 }, "\(parameter.name)")
            }
            if parameter.name.hasSuffix(".gamma") { #expect(values.allSatisfy { $0 == 1e-5 }) }
        }
    }

    @Test func sameSeedSameNumbers() throws {
        #expect(try values("head.weight") == values("head.weight"))
        #expect(try values("head.weight") != values("head.weight", seed: 2))
        #expect(try values("head.weight") != values("head_dist.weight"))
        // A longer tensor is drawn in pieces; lazily read views hold the same numbers.
        let views = try ViTInitialisation(Self.configuration, seed: 1).parameters()
        #expect(views.map(\.name) == Self.configuration.parameters.map(\.name))
        for (name, view) in views { #expect(try view.floats() == values(name), "\(name)") }
    }

    /// The numbers of seed 0, from the published algorithms written down once more in Python: they must never
    /// change, on no platform.
    @Test func numbersStayTheSameForever() throws {
        #expect(
            try Array(values("cls_token", seed: 0).prefix(3)) == [-0.016301353, 0.0015338182, -0.02097938])
        #expect(try Array(values("head.weight", seed: 0).suffix(2)) == [0.01994786, 0.008542723])
    }
}
