import Checkpoints
import TensorCore
import TestSupport
import Testing

@testable import Layers
@testable import Transformer

/// Tokens in, tokens out: against a loop over torch's model (`Fixtures/transformer/translation.safetensors`).
@Suite struct TranslationTests {
    private let file: Checkpoint
    private let model: TokenTransformer

    init() throws {
        let file = try Checkpoint(path: Fixtures.path("transformer/translation.safetensors"))
        self.file = file
        func view(_ name: String) throws -> TensorView { try #require(file.tensor(name), "\(name)") }
        var parameters: [String: TensorView] = [:]
        for tensor in file.tensors where tensor.name.hasPrefix("transformer.") {
            parameters[String(tensor.name.dropFirst("transformer.".count))] = tensor.view
        }
        var overrides = TransformerConfiguration.Overrides()
        overrides.heads = 4
        let configuration = try TransformerConfiguration.infer(
            from: parameters.map { ($0.key, $0.value.shape) }, overrides: overrides
        ).configuration
        model = try TokenTransformer(
            try Transformer(configuration: configuration, parameters: parameters),
            sourceEmbedding: try view("source_embedding.weight"),
            targetEmbedding: try view("target_embedding.weight"),
            projection: try view("projection.weight"), projectionBias: try view("projection.bias"))
    }

    private func floats(_ name: String) throws -> FloatTensor {
        try FloatTensor(try #require(file.tensor(name), "\(name)"))
    }

    /// The rows of a tensor of tokens, each as long as the lengths say.
    private func sentences(_ name: String, _ lengths: String) throws -> [[Int]] {
        let tokens = try floats(name)
        return try floats(lengths).values.enumerated().map { index, length in
            tokens.values[index * tokens.shape[1]..<index * tokens.shape[1] + Int(length)].map { Int($0) }
        }
    }

    @Test func logitsAreTorchs() throws {
        let expected = try floats("logits")
        let targets = try sentences("targets", "target_lengths")
        let found = try model.logits(
            sources: try sentences("sources", "source_lengths"), targets: targets)
        #expect(found.shape == expected.shape)
        let scale = expected.values.reduce(0) { max($0, abs($1)) }
        let row = expected.shape[1] * expected.shape[2]
        for (index, target) in targets.enumerated() {
            for place in 0..<target.count * expected.shape[2] {
                let error = abs(found.values[index * row + place] - expected.values[index * row + place])
                #expect(error <= 1e-5 * scale, "\(index), \(place)")
            }
        }
    }

    @Test func greedyDecodingIsTorchs() throws {
        let rows = try floats("decoded")
        let expected = (0..<rows.shape[0]).map { row in
            rows.values[row * rows.shape[1]..<(row + 1) * rows.shape[1]].filter { $0 >= 0 }.map { Int($0) }
        }
        let sources = try sentences("sources", "source_lengths")
        #expect(try model.decodeGreedily(sources, start: 0, end: 1, limit: 12) == expected)
        #expect(Set(expected.map(\.count)).count > 1)
        // Each alone gets what it gets among others.
        for (source, target) in zip(sources, expected) {
            #expect(try model.decodeGreedily([source], start: 0, end: 1, limit: 12) == [target])
        }
        #expect(
            try model.decodeGreedily(sources, start: 0, end: 1, limit: 3)
                == expected.map { Array($0.prefix(4)) })
        #expect(try model.decodeGreedily(sources, start: 0, end: 1, limit: 0) == [[0], [0], [0]])
    }

    @Test func probabilitiesSumToOneAndKeepTheOrder() throws {
        let (sources, targets) = ([[2, 3, 4]], [[0, 5, 6]])
        let logits = try model.logits(sources: sources, targets: targets)
        let found = try model.probabilities(sources: sources, targets: targets)
        for row in 0..<3 {
            let part = found.values[row * 13..<(row + 1) * 13].map(Double.init)
            let exponentials = logits.values[row * 13..<(row + 1) * 13].map { exp(Double($0)) }
            #expect(abs(part.reduce(0, +) - 1) < 1e-6)
            for (value, exponential) in zip(part, exponentials) {
                #expect(abs(value - exponential / exponentials.reduce(0, +)) < 1e-6)
            }
        }
    }

    /// In pairs, and for an odd width, whose last column has no cosine beside it.
    @Test func positionsAreTorchs() throws {
        for name in ["positions", "positions_odd"] {
            let expected = try floats(name)
            let found = try SinusoidalEncoding.table(length: expected.shape[0], width: expected.shape[1])
            #expect(found.shape == expected.shape)
            for (a, b) in zip(found.values, expected.values) { #expect(abs(a - b) < 1e-6) }
        }
    }

    @Test func whatCannotBeTranslatedIsRefused() throws {
        func message(_ body: () throws -> Any) -> String {
            do {
                return "no error: \(try body())"
            } catch {
                return "\(error)"
            }
        }
        let tooFar = message { try model.logits(sources: [[2, 15]], targets: [[0]]) }
        #expect(tooFar == "token 15 is not in the source's vocabulary of 15")
        #expect(
            message { try model.decodeGreedily([[2, -1]], start: 0, end: 1, limit: 1) }
                .contains("token -1"))
        #expect(
            message { try model.decodeGreedily([[2]], start: 13, end: 1, limit: 1) }
                .contains("the target's vocabulary of 13"))
        #expect(message { try model.logits(sources: [[2]], targets: [[0], [0]]) }.contains("1 and 2"))
        #expect(message { try model.logits(sources: [[]], targets: [[0]]) }.contains("one or more tokens"))
        #expect(
            message { try model.logits(sources: [], targets: []) }.contains("one or more source sentences"))
        let wrong = message {
            try TokenTransformer(
                model.transformer, sourceEmbedding: try #require(file.tensor("positions_odd")),
                targetEmbedding: try #require(file.tensor("target_embedding.weight")),
                projection: try #require(file.tensor("projection.weight")))
        }
        #expect(wrong == "the source embedding has the shape [7, 5], expected [tokens, 16]")
    }
}
