import Checkpoints
import TensorCore
import TestSupport
import Testing

@testable import Layers
@testable import Transformer

@Suite struct TransformerTests {
    private let parameters: [String: TensorView]
    private let reference: Checkpoint
    private let model: Transformer

    init() throws {
        let file = try Checkpoint(path: Fixtures.path("transformer/plain.pth"))
        parameters = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.view) })
        reference = try Checkpoint(path: Fixtures.path("transformer/plain.memory.reference.safetensors"))
        model = try Transformer(configuration: Self.configuration, parameters: parameters)
    }

    private static let configuration = {
        var configuration = TransformerConfiguration()
        (configuration.width, configuration.heads, configuration.hidden) = (16, 4, 24)
        (configuration.encoderDepth, configuration.decoderDepth) = (2, 1)
        return configuration
    }()

    private func floats(_ name: String) throws -> FloatTensor {
        try FloatTensor(try #require(reference.tensor(name), "\(name)"))
    }

    private func rows(_ name: String) throws -> [[Bool]] {
        let mask = try floats(name)
        return (0..<mask.shape[0]).map { row in
            mask.values[row * mask.shape[1]..<(row + 1) * mask.shape[1]].map { $0 != 0 }
        }
    }

    /// The masks made here are those that torch was given, and the output is torch's.
    @Test func masksMakeTorchsOutput() throws {
        let (source, target, expected) = (try floats("src"), try floats("tgt"), try floats("output"))
        let masks = try TransformerMasks(
            sourcePadding: rows("src_key_padding_mask"), targetPadding: rows("tgt_key_padding_mask"),
            causalLength: 5)
        let found = try model.forward(source: source, target: target, masks: masks)
        #expect(found.shape == expected.shape)
        let scale = expected.values.reduce(0) { max($0, abs($1)) }
        for (a, b) in zip(found.values, expected.values) { #expect(abs(a - b) <= 1e-5 * scale) }
        let unmasked = try model.forward(source: source, target: target)
        #expect(zip(unmasked.values, expected.values).contains { abs($0 - $1) > 0.01 * scale })
    }

    @Test func aTraceChangesNothing() throws {
        let (source, target) = (try floats("src"), try floats("tgt"))
        var trace = ActivationTrace { _ in true }
        let traced = try model.forward(source: source, target: target, trace: &trace)
        #expect(try model.forward(source: source, target: target) == traced)
        #expect(trace["decoder"] == traced)
        #expect(try model.encode(source) == trace["encoder"])
        #expect(try model.decode(target, memory: try #require(trace["encoder"])) == traced)
        let weights = try #require(trace["decoder.layers.0.multihead_attn.attn_drop"])
        #expect(weights.shape.dimensions == [2, 4, 5, 6])
    }

    @Test func sentencesOfABatchDoNotSeeOneAnother() throws {
        let (source, target) = (try floats("src"), try floats("tgt"))
        let together = try model.forward(source: source, target: target)
        for index in 0..<2 {
            func part(_ tensor: FloatTensor) throws -> FloatTensor {
                let length = tensor.shape[1] * 16
                return try FloatTensor(
                    shape: Shape([1, tensor.shape[1], 16]),
                    values: Array(tensor.values[index * length..<(index + 1) * length]))
            }
            let alone = try model.forward(source: part(source), target: part(target))
            for (a, b) in zip(alone.values, try part(together).values) { #expect(abs(a - b) < 2e-6) }
        }
    }

    @Test func shapesThatDoNotFitAreRefused() throws {
        let (source, target) = (try floats("src"), try floats("tgt"))
        func message(_ body: () throws -> Any) -> String {
            do {
                return "no error: \(try body())"
            } catch {
                return "\(error)"
            }
        }
        func zeros(_ dimensions: Int...) throws -> FloatTensor { FloatTensor(zeros: try Shape(dimensions)) }
        #expect(
            message { try model.forward(source: zeros(2, 6, 15), target: target) }
                == "the source has the shape [2, 6, 15], expected [batch, tokens, 16]")
        #expect(
            message { try model.forward(source: source, target: zeros(3, 5, 16)) }
                == "the target has the shape [3, 5, 16], expected [2, tokens, 16]")
        #expect(message { try model.encode(zeros(2, 16)) }.contains("expected [batch, tokens, 16]"))
        #expect(message { try model.encode(zeros(0, 6, 16)) }.contains("expected [batch, tokens, 16]"))
        let wide = try TransformerMasks(sourcePadding: [[true, false], [false, false]])
        #expect(message { try model.encode(source, masks: wide) }.contains("mask"))
        let late = try TransformerMasks(causalLength: 6)
        #expect(message { try model.forward(source: source, target: target, masks: late) }.contains("mask"))
    }

    @Test func everyProblemWithTheParametersIsListed() throws {
        var broken = parameters
        broken["encoder.layers.1.linear2.bias"] = nil
        broken["decoder.norm.weight"] = parameters["encoder.layers.0.linear1.bias"]
        broken["encoder.layers.2.norm1.weight"] = parameters["encoder.norm.weight"]
        let error = #expect(throws: ParameterError.self) {
            try Transformer(configuration: Self.configuration, parameters: broken)
        }
        #expect(
            error?.problems == [
                .missing(name: "encoder.layers.1.linear2.bias", shape: try Shape([16])),
                .shape(name: "decoder.norm.weight", expected: try Shape([16]), found: try Shape([24])),
                .unexpected(name: "encoder.layers.2.norm1.weight"),
            ])
    }
}
