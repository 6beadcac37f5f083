import TensorCore
import Testing

@testable import Layers
@testable import ViT

/// What training mode draws: rates, scale, masks by image, independence. Of tensors large enough that a wrong rate is
/// sure to show, and with seeds, so that a right one never fails.
@Suite struct TrainingModeTests {
    private static let configuration = {
        var c = SmallModel.configuration
        (c.depth, c.distilled) = (5, true)
        return c
    }()

    private static let rates = {
        var rates = DropoutRates()
        (rates.position, rates.attention, rates.projection) = (0.1, 0.3, 0.45)
        (rates.path, rates.head) = (0.4, 0.7)
        return rates
    }()

    private func masks(_ count: Int, _ rates: DropoutRates = rates, seed: UInt64 = 3) throws -> [String:
        FloatTensor]
    {
        var source = RandomSource(seed: seed)
        return try SmallModel.make(Self.configuration).dropoutMasks(
            count: count, rates: rates, using: &source)
    }

    /// Every element is 0 or 1/(1 − rate), and zeros are as many as the rate says, within five standard errors.
    @Test func ratesAndScales() throws {
        let masks = try masks(200)
        var expected: [(String, Double)] = [
            ("pos_drop", 0.1), ("head_drop", 0.7), ("head_drop_dist", 0.7),
        ]
        for block in 0..<5 {
            expected.append(("blocks.\(block).attn.attn_drop", 0.3))
            for module in ["attn.proj_drop", "mlp.drop1", "mlp.drop2"] {
                expected.append(("blocks.\(block).\(module)", 0.45))
            }
        }
        for (name, rate) in expected {
            let values = try #require(masks[name]).values
            #expect(Set(values) == [0, Float(1 / (1 - rate))], "\(name)")
            expectRate(values, rate, name)
        }
        // And the branches of all blocks but the first, whose rate is 0.
        #expect(masks.count == expected.count + 8)
    }

    private func expectRate(_ values: [Float], _ rate: Double, _ name: String) {
        let dropped = Double(values.count { $0 == 0 }) / Double(values.count)
        let standardError = (rate * (1 - rate) / Double(values.count)).squareRoot()
        // Large enough that a rate off by a quarter would be seen.
        #expect(5 * standardError < rate / 4, "\(name): too few to tell")
        #expect(abs(dropped - rate) < 5 * standardError, "\(name): \(dropped)")
    }

    /// linspace(0, 0.4, 5), and an own number for each image.
    @Test func pathRatesRiseLinearly() throws {
        var rates = DropoutRates()
        rates.path = 0.4
        let masks = try masks(10_000, rates)
        #expect(masks.count == 8)
        for (block, rate) in [0.1, 0.2, 0.3, 0.4].enumerated() {
            for branch in ["drop_path1", "drop_path2"] {
                let name = "blocks.\(block + 1).\(branch)"
                let mask = try #require(masks[name])
                #expect(mask.shape.dimensions == [10_000, 1, 1])
                #expect(Set(mask.values) == [0, Float(1 / (1 - rate))])
                expectRate(mask.values, rate, name)
            }
        }
        var one = ViTConfiguration()
        one.depth = 1
        #expect(one.dropoutSites(rates, batch: 1).allSatisfy { $0.rate == 0 })
        one.depth = 12
        // torch.linspace(0, 0.1, 12)
        let linspace = [
            0.0, 0.009090909734368324, 0.01818181946873665, 0.027272727340459824, 0.0363636389374733,
            0.045454543083906174, 0.054545458406209946, 0.06363636255264282, 0.0727272778749466,
            0.08181818574666977, 0.09090909361839294, 0.10000000149011612,
        ]
        rates.path = 0.1
        let found = one.dropoutSites(rates, batch: 1).filter { $0.name.hasSuffix("drop_path2") }.map(\.rate)
        #expect(zip(found, linspace).allSatisfy { abs($0 - $1) < 1e-8 } && found.count == 12)
    }

    /// Whether two modules drop an image, or neighbours an element, has nothing to do with one another.
    @Test func drawsAreIndependent() throws {
        var rates = DropoutRates()
        rates.path = 0.5
        let paths = try masks(10_000, rates)
        let branches = paths.keys.sorted()
        #expect(branches.count == 8)
        for (index, first) in branches.enumerated() {
            for second in branches[..<index] {
                try expectIndependent(paths[first]?.values, paths[second]?.values)
            }
        }
        let masks = try masks(100, DropoutRates(dropout: 0.5))
        let positions = try #require(masks["pos_drop"]).values
        let projection = try #require(masks["blocks.0.attn.proj_drop"]).values
        try expectIndependent(positions, projection)
        try expectIndependent(projection, masks["blocks.1.attn.proj_drop"]?.values)
        for distance in [1, 24, 24 * 8] {
            try expectIndependent(Array(positions.dropLast(distance)), Array(positions.dropFirst(distance)))
        }
    }

    private func expectIndependent(_ first: [Float]?, _ second: [Float]?) throws {
        let (first, second) = (try #require(first), try #require(second))
        #expect(first.count == second.count && first.count >= 10_000)
        func centred(_ values: [Float]) -> [Double] {
            let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
            return values.map { Double($0) - mean }
        }
        let (a, b) = (centred(first), centred(second))
        func dot(_ a: [Double], _ b: [Double]) -> Double {
            a.indices.reduce(0.0) { (sum: Double, index: Int) -> Double in sum + a[index] * b[index] }
        }
        let correlation = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        #expect(abs(correlation) < 5 / Double(first.count).squareRoot())
    }

    /// In a pass each image's branch is wholly there, by 1/(1 − p), or wholly not.
    @Test func pathsAreDroppedByImage() throws {
        var configuration = SmallModel.configuration
        configuration.layerScale = true
        let model = try SmallModel.make(configuration)
        let images = try SmallModel.images(24, configuration)
        let source = DrawnDropout(
            rates: ["blocks.1.drop_path1": 0.5, "blocks.1.drop_path2": 0.25], generator: RandomSource(seed: 5)
        )
        var trace: ActivationTrace? = ActivationTrace()
        _ = try model.train(images, source, mask: nil, trace: &trace)
        let kept = try #require(trace)
        let names = ["blocks.0", "blocks.1.ls1", "blocks.1.ls2", "blocks.1"]
        let parts = try names.map { try #require(kept[$0]).values }
        let length = parts[0].count / 24
        var met: Set<Int> = []
        let factors: [(Float, Float)] = [(0, 0), (2, 0), (0, 4.0 / 3), (2, 4.0 / 3)]
        for image in 0..<24 {
            let range = image * length..<(image + 1) * length
            let after = Array(parts[3][range])
            let found = factors.indices.filter { index in
                let (first, second) = factors[index]
                let sum: [Float] = range.map {
                    let attention: Float = first * parts[1][$0]
                    let mlp: Float = second * parts[2][$0]
                    return parts[0][$0] + attention + mlp
                }
                return largestError(sum, after) < 1e-6
            }
            #expect(found.count == 1, "image \(image)")
            met.formUnion(found)
        }
        #expect(met.count == 4)
    }

    /// Draws are one for each element of each module whose rate is above 0, and none where nothing is dropped.
    @Test func drawsAreCounted() throws {
        struct Counter: RandomNumberGenerator {
            var (source, count) = (RandomSource(seed: 1), 0)
            mutating func next() -> UInt64 {
                count += 1
                return source.next()
            }
        }
        let model = try SmallModel.make(Self.configuration)
        let images = try SmallModel.images(2)
        var counter = Counter()
        let nothing = try model.forward(images, training: DropoutRates(), using: &counter)
        #expect(counter.count == 0)
        _ = try model.forward(images, training: Self.rates, using: &counter)
        let sites = Self.configuration.dropoutSites(Self.rates, batch: 2).filter { $0.rate > 0 }
        #expect(sites.count == 31)
        #expect(counter.count == sites.reduce(0) { $0 + $1.shape.elementCount })

        // Without dropping it is the model in evaluation, but for the mean of both heads.
        let distillation = try #require(nothing.distillation)
        let mean = zip(nothing.logits.values, distillation.values).map { ($0 + $1) / 2 }
        #expect(largestError(mean, try model.forward(images).values) < 2e-6)
    }

    /// Rate 1 leaves nothing of a branch: the model is as if its last block were not there.
    @Test func everythingCanBeDropped() throws {
        let model = try SmallModel.make()
        let images = try SmallModel.images(2)
        var rates = DropoutRates()
        rates.path = 1
        var source = RandomSource(seed: 1)
        let output = try model.forward(images, training: rates, using: &source).logits
        var shorter = SmallModel.configuration
        shorter.depth = 1
        let parameters = try SmallModel.parameters(SmallModel.configuration).filter {
            !$0.key.hasPrefix("blocks.1.")
        }
        let expected = try VisionTransformer(configuration: shorter, parameters: parameters).forward(images)
        #expect(largestError(output.values, expected.values) < 2e-6)
        rates.head = 1
        let bias = try #require(parameters["head.bias"]).floats()
        let none = try model.forward(images, training: rates, using: &source).logits
        #expect(none.values == bias + bias)
    }

    /// A mask holds in every kind of pass, and of a mask by image each group of images gets its own.
    @Test func masksHoldInEveryPass() throws {
        let model = try SmallModel.make()
        let causal = try AttentionMask.causal(queries: 7, keys: 7)
        let images = try SmallModel.images(300)
        let plain = try model.forward(images, mask: causal)
        #expect(try largestError(plain.values, model.forward(images).values) > 1e-2)
        var source = RandomSource(seed: 1)
        let training = try model.forward(images, training: DropoutRates(), using: &source, mask: causal)
        #expect(largestError(training.logits.values, plain.values) < 2e-6)
        let replayed = try model.forward(images, dropout: [:], mask: causal)
        #expect(largestError(replayed.logits.values, plain.values) < 2e-6)
        let maps = try model.features(images, .attention(block: 1), mask: causal)
        for (index, weight) in maps.values.enumerated() {
            #expect((weight == 0) == (index % 7 > index / 7 % 7))
        }

        // The first image hides nothing, the second its last patch, the third the last two, and so on by turns.
        let lengths = (0..<300).map { 7 - $0 % 3 }
        let padded = try model.forward(images, mask: .padding(lengths: lengths, keys: 7))
        let pixels = images.values.count / 300
        for index in [0, 1, 2, 291, 292, 293, 298] {
            let alone = try FloatTensor(
                shape: Shape([1, 3, 16, 24]),
                values: Array(images.values[index * pixels..<(index + 1) * pixels]))
            let own = try model.forward(alone, mask: .padding(lengths: [lengths[index]], keys: 7))
            #expect(largestError(Array(padded.values[index * 7..<(index + 1) * 7]), own.values) < 2e-6)
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        let model = try SmallModel.make()
        let images = try SmallModel.images(2)
        var source = RandomSource(seed: 1)
        for rate in [-0.1, 1.1, .nan, .infinity] {
            let error = #expect(throws: ViTError.self) {
                try model.forward(images, training: DropoutRates(dropout: 0, path: rate), using: &source)
            }
            #expect(error?.description.contains("the path rate is \(rate)") == true)
        }
        #expect(
            throws: ViTError.dropout("there is no blocks.2.drop_path1 in the model that could drop anything")
        ) {
            try model.forward(images, dropout: ["blocks.2.drop_path1": FloatTensor(zeros: Shape([2, 1, 1]))])
        }
        #expect(
            throws: ViTError.dropout("pos_drop: expected factors of shape [2, 7, 24], found [2, 24, 7]")
        ) {
            try model.forward(images, dropout: ["pos_drop": FloatTensor(zeros: Shape([2, 24, 7]))])
        }
        #expect(throws: ViTError.self) {
            try model.forward(
                FloatTensor(zeros: Shape([2, 3, 16])), training: DropoutRates(), using: &source)
        }
        let mask = try AttentionMask.causal(queries: 7, keys: 8)
        #expect(throws: ViTError.self) { try model.forward(images, mask: mask) }
    }
}

extension ComputationTests {
    /// The same bits for any number of threads, in training too.
    @Test(arguments: providers)
    func threadsDoNotChangeTraining(_ provider: MatrixProduct.Provider) throws {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        try Self.with(provider) {
            let model = try SmallModel.make()
            let images = try SmallModel.images(3)
            let outputs = try [1, 2, 5].map { count in
                Parallel.threadCount = count
                var source = RandomSource(seed: 1)
                let rates = DropoutRates(dropout: 0.2, attention: 0.1, path: 0.3)
                return try model.forward(images, training: rates, using: &source)
            }
            #expect(outputs[0] == outputs[1] && outputs[0] == outputs[2])
        }
    }

    /// Masks drawn beforehand are those that a pass draws, and a seed is all that matters.
    @Test(arguments: SmallModel.forms)
    func replayedMasksGiveTheSameBits(_ change: @Sendable (inout ViTConfiguration) -> Void) throws {
        var configuration = SmallModel.configuration
        change(&configuration)
        var rates = DropoutRates(dropout: 0.2, attention: 0.3, path: 0.4)
        rates.head = 0.1
        let model = try SmallModel.make(configuration)
        let images = try SmallModel.images(3, configuration)
        var (first, second) = (RandomSource(seed: 9), RandomSource(seed: 9))
        let drawn = try model.forward(images, training: rates, using: &first)
        let masks = try model.dropoutMasks(count: 3, rates: rates, using: &second)
        let replayed = try model.forward(images, dropout: masks)
        let isSame = drawn == replayed
        #expect(isSame)
        #expect(first.next() == second.next())
        #expect((drawn.distillation != nil) == configuration.distilled)
        let another = try model.forward(images, training: rates, using: &first)
        #expect(largestError(another.logits.values, drawn.logits.values) > 1e-3)
        #expect(another.logits.shape == drawn.logits.shape)
    }
}
