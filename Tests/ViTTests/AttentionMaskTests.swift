import TensorCore
import Testing

@testable import Layers

/// Masks, as torch's functional attention and its MultiheadAttention heed them.
@Suite struct AttentionMaskTests {
    /// Every mask that a case of the fixture has, combined.
    private func mask(_ name: String, in fixture: KernelFixture, queries: Int, keys: Int) throws
        -> AttentionMask?
    {
        var parts: [AttentionMask] = []
        if fixture.has("\(name).bias") { parts.append(try AttentionMask(fixture.view("\(name).bias"))) }
        if fixture.has("\(name).hidden") { parts.append(try AttentionMask(fixture.view("\(name).hidden"))) }
        if fixture.has("\(name).padding") {
            let padding = try fixture.floats("\(name).padding")
            let rows = stride(from: 0, to: padding.values.count, by: keys).map { start in
                padding.values[start..<start + keys].map { $0 != 0 }
            }
            parts.append(try .padding(rows))
        }
        if fixture.has("\(name).causal") { parts.append(try .causal(queries: queries, keys: keys)) }
        return try parts.dropFirst().reduce(parts.first) { try $0?.combined(with: $1) }
    }

    @Test func everyMaskOfTorchsIsHeeded() throws {
        let fixture = try KernelFixture("masks")
        #expect(fixture.cases.count == 16)
        for name in fixture.cases {
            let (q, k) = (try fixture.floats("\(name).q"), try fixture.floats("\(name).k"))
            let v = try fixture.floats("\(name).v")
            let mask = try mask(name, in: fixture, queries: q.shape[2], keys: k.shape[2])
            #expect(mask != nil)
            let out = try fixture.floats("\(name).out")
            let found = try scaledDotProductAttention(queries: q, keys: k, values: v, mask: mask)
            #expect(found.shape == out.shape)
            #expect(largestError(found.values, out.values) < 1e-6, "\(name)")
            let weights = try fixture.floats("\(name).weights")
            let foundWeights = try attentionWeights(queries: q, keys: k, mask: mask)
            #expect(foundWeights.shape == weights.shape)
            #expect(largestError(foundWeights.values, weights.values) < 1e-6, "\(name)")
            // What is hidden has no weight at all.
            for (ours, torchs) in zip(foundWeights.values, weights.values) where torchs == 0 {
                #expect(ours == 0, "\(name)")
            }
        }
    }

    /// torch's module with its parameters: booleans that are true where they hide, numbers for each head.
    @Test func multiheadAttentionAgreesWithTorch() throws {
        let fixture = try KernelFixture("multi_head")
        func product(_ x: FloatTensor, _ name: String, _ rows: Range<Int>) throws -> FloatTensor {
            let weight = try fixture.floats("parameters.\(name)weight")
            let bias = try fixture.floats("parameters.\(name)bias").values
            let inputs = weight.shape[1]
            var transposed: [Float] = []
            for input in 0..<inputs { transposed += rows.map { weight.values[$0 * inputs + input] } }
            var y = try FloatTensor(
                shape: Shape([x.values.count / inputs, inputs]), values: x.values
            ).multiplied(by: FloatTensor(shape: Shape([inputs, rows.count]), values: transposed))
            for index in y.values.indices { y.values[index] += bias[rows.lowerBound + index % rows.count] }
            return y
        }
        for name in fixture.cases where name != "parameters" {
            let x = try fixture.floats("\(name).x")
            let (batch, tokens, width) = (x.shape[0], x.shape[1], x.shape[2])
            let weights = try fixture.floats("\(name).weights")
            let heads = weights.shape[1]
            func split(_ part: Int) throws -> FloatTensor {
                let rows = try product(x, "in_proj_", part * width..<(part + 1) * width)
                return try FloatTensor(
                    view(
                        FloatTensor(
                            shape: Shape([batch, tokens, heads, width / heads]), values: rows.values)
                    ).permuted([0, 2, 1, 3]))
            }
            let (q, k, v) = (try split(0), try split(1), try split(2))
            let mask = try mask(name, in: fixture, queries: tokens, keys: tokens)
            #expect(
                largestError(try attentionWeights(queries: q, keys: k, mask: mask).values, weights.values)
                    < 1e-6, "\(name)")
            let attended = try scaledDotProductAttention(queries: q, keys: k, values: v, mask: mask)
            let joined = try FloatTensor(view(attended).permuted([0, 2, 1, 3]))
            let out = try product(joined, "out_proj.", 0..<width)
            #expect(
                largestError(out.values, try fixture.floats("\(name).out").values) < 1e-6, "\(name)")
        }
    }

    @Test func aQueryThatSeesNothingGetsNothing() throws {
        let ones = try FloatTensor(shape: Shape([2, 3]), values: [1, 2, 3, 4, 5, 6])
        let mask = try AttentionMask(hiding: [true, true, false, true], shape: Shape([2, 2]))
        let weights = try attentionWeights(queries: ones, keys: ones, mask: mask)
        #expect(weights.values == [0, 0, 1, 0])
        let output = try scaledDotProductAttention(queries: ones, keys: ones, values: ones, mask: mask)
        #expect(output.values == [0, 0, 0, 1, 2, 3])
        // A NaN is no mask's doing and stays one, in its own row.
        var broken = ones
        broken.values[0] = .nan
        let spoilt = try attentionWeights(queries: broken, keys: ones, mask: mask)
        #expect(spoilt.values[0].isNaN && spoilt.values[1].isNaN)
        #expect(spoilt.values[2...] == [1, 0])
    }

    @Test func masksAreMade() throws {
        let infinity = Float.infinity
        let causal = try AttentionMask.causal(queries: 2, keys: 3)
        #expect(causal.bias.shape.dimensions == [1, 1, 2, 3])
        #expect(causal.bias.values == [0, -infinity, -infinity, 0, 0, -infinity])
        let padding = try AttentionMask.padding(lengths: [3, 1], keys: 3)
        #expect(padding.bias.shape.dimensions == [2, 1, 1, 3])
        #expect(padding.bias.values == [0, 0, 0, 0, -infinity, -infinity])
        #expect(try padding == .padding([[false, false, false], [false, true, true]]))
        let both = try causal.combined(with: padding)
        #expect(try both == padding.combined(with: causal))
        #expect(both.bias.shape.dimensions == [2, 1, 2, 3])
        #expect(
            both.bias.values == [
                0, -infinity, -infinity, 0, 0, -infinity, 0, -infinity, -infinity, 0, -infinity, -infinity,
            ])
        let sum = try AttentionMask(adding: FloatTensor(shape: Shape([1, 3]), values: [1, 2, 4]))
            .combined(
                with: AttentionMask(
                    adding: FloatTensor(shape: Shape([2, 1, 3]), values: [0, 1, 0, 2, 0, -infinity])))
        #expect(sum.bias.shape.dimensions == [1, 2, 1, 3] && sum.bias.values == [1, 3, 4, 3, 2, -infinity])
    }

    @Test func masksThatMeanNothingAreRefused() throws {
        func tensor(_ dimensions: [Int], _ value: Float = 0) throws -> FloatTensor {
            let shape = try Shape(dimensions)
            return try FloatTensor(shape: shape, values: [Float](repeating: value, count: shape.elementCount))
        }
        for dimensions in [[], [3], [1, 1, 1, 2, 3]] {
            #expect(throws: TensorError.self) { try AttentionMask(adding: tensor(dimensions)) }
        }
        for value in [Float.nan, .infinity] {
            #expect(throws: TensorError.self) { try AttentionMask(adding: tensor([2, 3], value)) }
        }
        #expect(throws: TensorError.self) { try AttentionMask(hiding: [true], shape: Shape([2, 3])) }
        #expect(throws: TensorError.self) { try AttentionMask.padding([[true], [true, false]]) }
        #expect(throws: TensorError.self) { try AttentionMask.padding(lengths: [4], keys: 3) }
        #expect(throws: TensorError.self) { try AttentionMask.padding(lengths: [-1], keys: 3) }
        #expect(throws: TensorError.self) { try AttentionMask.causal(queries: -1, keys: 3) }
        let huge = try AttentionMask(adding: tensor([2, 3], 3e38))
        #expect(throws: TensorError.self) { try huge.combined(with: huge) }
        #expect(throws: TensorError.self) {
            try huge.combined(with: AttentionMask(adding: tensor([3, 3])))
        }
        #expect(throws: TensorError.self) {
            try huge.combined(with: AttentionMask(adding: tensor([2, 1])))
        }
        // [2, 3] asks for two queries or any number of none, and for three keys.
        let (two, three) = (try tensor([2, 4], 1), try tensor([3, 4], 1))
        _ = try scaledDotProductAttention(queries: two, keys: three, values: three, mask: huge)
        let error = #expect(throws: TensorError.self) {
            try scaledDotProductAttention(queries: three, keys: three, values: three, mask: huge)
        }
        #expect(error?.description.contains("[1, 1, 2, 3]") == true)
        #expect(error?.description.contains("[1, 1, 3, 3]") == true)
        #expect(throws: TensorError.self) {
            try scaledDotProductAttention(queries: two, keys: two, values: two, mask: huge)
        }
        #expect(throws: TensorError.self) {
            try scaledDotProductAttention(queries: two, keys: tensor([3, 5]), values: three)
        }
        #expect(throws: TensorError.self) { try attentionWeights(queries: two, keys: tensor([1, 3, 4])) }
        #expect(throws: TensorError.self) { try two.multiplied(by: two) }
    }

    /// More rows than pass at a time, with a row of the mask for each and with one for all.
    @Test func masksFollowBlocksOfRows() throws {
        let (queries, keys) = (70, 1100)
        #expect(ScaledDotProduct.blockRows(rows: queries, tokens: keys) < queries)
        var source = RandomSource(seed: 21)
        func drawn(_ dimensions: [Int]) throws -> FloatTensor {
            let shape = try Shape(dimensions)
            return try FloatTensor(
                shape: shape, values: (0..<shape.elementCount).map { _ in Float(2 * source.uniform() - 1) })
        }
        let (q, k, bias) = (try drawn([queries, 3]), try drawn([keys, 3]), try drawn([queries, keys]))
        let masked = try attentionWeights(queries: q, keys: k, mask: AttentionMask(adding: bias))
        for row in [0, 33, 69] {
            let one = try FloatTensor(shape: Shape([1, 3]), values: Array(q.values[3 * row..<3 * row + 3]))
            let own = try FloatTensor(
                shape: Shape([1, keys]), values: Array(bias.values[row * keys..<(row + 1) * keys]))
            let alone = try attentionWeights(queries: one, keys: k, mask: AttentionMask(adding: own))
            #expect(
                largestError(Array(masked.values[row * keys..<(row + 1) * keys]), alone.values) < 1e-6)
            let all = try attentionWeights(queries: q, keys: k, mask: AttentionMask(adding: own))
            #expect(largestError(Array(all.values[row * keys..<(row + 1) * keys]), alone.values) < 1e-6)
        }
    }
}
