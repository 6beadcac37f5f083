import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// The article on attention: its code is what runs here, and its numbers are what comes out.
@Suite struct ArticleTests {
    private static let example = (
        keys: [0, 1, 1, 4, 4, 0, 2, 3, 1] as [Float], queries: [1, 0, 2, 2, 2, 2, 2, 1, 3] as [Float],
        values: [1, 2, 3, 2, 8, 0, 2, 6, 3] as [Float], scores: [2, 4, 4, 4, 16, 12, 4, 12, 10] as [Float],
        weights: [
            6.3379e-02, 4.6831e-01, 4.6831e-01, 6.0337e-06, 9.8201e-01, 1.7986e-02, 2.9539e-04, 8.8054e-01,
            1.1917e-01,
        ] as [Float],
        output: [
            1.93662, 6.68311, 1.59507, 1.99999, 7.96399, 0.05398, 1.99970, 7.75989, 0.35839,
        ] as [Float]
    )

    @Test func threeTokensWorkedThrough() throws {
        // example
        let x = try FloatTensor(rows: [[1, 0, 1, 0], [0, 2, 0, 2], [1, 1, 1, 1]])
        let keyMap = try FloatTensor(rows: [[0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 1, 0]])
        let queryMap = try FloatTensor(rows: [[1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 1]])
        let valueMap = try FloatTensor(rows: [[0, 2, 0], [0, 3, 0], [1, 0, 3], [1, 1, 0]])

        let keys = try x.multiplied(by: keyMap)
        let queries = try x.multiplied(by: queryMap)
        let values = try x.multiplied(by: valueMap)

        let scores = try queries.multiplied(byTransposed: keys)
        let weights = try attentionWeights(queries: queries, keys: keys, scale: 1)
        let output = try scaledDotProductAttention(
            queries: queries, keys: keys, values: values, scale: 1)
        // end
        #expect(keys.values == Self.example.keys && queries.values == Self.example.queries)
        #expect(values.values == Self.example.values && scores.values == Self.example.scores)
        for (found, expected) in zip(weights.values, Self.example.weights) {
            #expect(abs(found - expected) <= 5e-5 * expected)
        }
        for (found, expected) in zip(output.values, Self.example.output) {
            #expect(abs(found - expected) <= 1e-5)
        }
        #expect(weights.shape.dimensions == [3, 3] && output.shape.dimensions == [3, 3])
        // The table shows the same numbers, with four digits.
        let shown = try Article("Attention").lines(beginningWith: ["| 1 |", "| 2 |", "| 3 |"])
        #expect(shown.count == 3)
        for (row, line) in shown.enumerated() {
            let numbers = line.split { ", |".contains($0) }.dropFirst().compactMap { Float($0) }
            let tensors = [keys, queries, values, scores, weights, output]
            let expected = tensors.flatMap { $0.values[3 * row..<3 * row + 3] }
            #expect(zip(numbers, expected).allSatisfy { abs($0 - $1) <= 5.1e-5 } && numbers.count == 18)
        }
    }

    /// With rounded weights the mean can be had by hand.
    @Test func roundedWeights() throws {
        let weights = try FloatTensor(rows: [[0, 0.5, 0.5], [0, 1, 0], [0, 0.9, 0.1]])
        let values = try FloatTensor(shape: Shape([3, 3]), values: Self.example.values)
        let output = try weights.multiplied(by: values)
        for (found, expected) in zip(output.values, [2, 7, 1.5, 2, 8, 0, 2, 7.8, 0.3] as [Float]) {
            #expect(abs(found - expected) < 1e-6)
        }
    }

    @Test func masks() throws {
        let queries = try FloatTensor(shape: Shape([3, 3]), values: Self.example.queries)
        // example
        let padding = try AttentionMask.padding([[false, false, false], [false, false, true]])
        let causal = try AttentionMask.causal(queries: 3, keys: 3)
        let mask = try padding.combined(with: causal)

        let batch = try FloatTensor(shape: Shape([2, 1, 3, 3]), values: queries.values + queries.values)
        let seen = try attentionWeights(queries: batch, keys: batch, mask: mask)
        // end
        #expect(
            seen.values.map { $0 > 0 } == [
                true, false, false, true, true, false, true, true, true,
                true, false, false, true, true, false, true, true, false,
            ])
    }

    @Test func insideAModel() throws {
        let model = try ModelFixture.named("plain").prepared().model()
        let images = FloatTensor(zeros: try Shape([2, 3, 32, 32]))
        // example
        let maps = try model.features(images, .attention(block: -1))
        let seenByClassToken = try model.features(images, .classAttention(block: -1))
        let row = try model.features(images, .classToken(block: -1), normalised: true)
        // end
        #expect(maps.shape.dimensions == [2, 3, 17, 17])
        #expect(seenByClassToken.shape.dimensions == [2, 3, 4, 4])
        let features = try model.forwardFeatures(images)
        #expect(row.shape == features.shape)
        #expect(zip(row.values, features.values).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func theArticleShowsTheCodeThatRuns() throws {
        let code = try Article("Attention").code
        #expect(code.count == 3)
        #expect(try code == Article.examples(in: #filePath))
    }
}
