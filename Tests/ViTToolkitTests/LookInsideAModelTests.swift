import TestSupport
import Testing
import ViTToolkit

/// The article on features, masks and training mode; what is computed is held against timm elsewhere, and here what is
/// promised about it.
@Suite struct LookInsideAModelTests {
    let model: VisionTransformer
    let images: FloatTensor

    init() throws {
        let fixture = try ModelFixture.named("plain")
        model = try fixture.prepared().model()
        images = try FloatTensor(#require(try Checkpoint(path: fixture.referencePath).tensor("input")))
    }

    @Test func features() throws {
        // example
        let row = try model.features(images, .classToken(block: -1), normalised: true)
        let maps = try model.features(images, .attention(block: 1))
        let several = try model.features(images, [.patchTokens(block: 0), .classAttention(block: 1)])
        let (tokens, intermediates) = try model.forwardIntermediates(images, blocks: [0, 1])
        // end
        let batch = images.shape[0]
        #expect(row.shape.dimensions == [batch, 24] && maps.shape.dimensions == [batch, 3, 17, 17])
        #expect(several.count == 2 && intermediates.count == 2)
        #expect(tokens.shape.dimensions == [batch, 17, 24])
    }

    @Test func everyIntermediateResult() throws {
        // example
        var trace = ActivationTrace(names: ["blocks.0.attn.attn_drop", "norm"])
        let logits = try model.forward(images, trace: &trace)
        let normed = trace["norm"]
        // end
        #expect(try logits == model.forward(images))
        #expect(normed?.shape.dimensions == [images.shape[0], 17, 24] && trace.activations.count == 2)
    }

    /// They are felt.
    @Test func masks() throws {
        // example
        let padding = try AttentionMask.padding(lengths: [12, 17], keys: 17)
        let mask = try padding.combined(with: AttentionMask.causal(queries: 17, keys: 17))
        let logits = try model.forward(images, mask: mask)
        // end
        #expect(logits.shape.dimensions == [2, 10])
        #expect(try logits != model.forward(images))
    }

    /// The same draws from the same seed, others from another one.
    @Test func trainingMode() throws {
        // example
        var generator = RandomSource(seed: 1)
        let rates = DropoutRates(dropout: 0.1, attention: 0.0, path: 0.1)
        let output = try model.forward(images, training: rates, using: &generator)
        // end
        var (same, other) = (RandomSource(seed: 1), RandomSource(seed: 2))
        #expect(try model.forward(images, training: rates, using: &same) == output)
        #expect(try model.forward(images, training: rates, using: &other) != output)
    }

    @Test func theArticleShowsTheCodeThatRuns() throws {
        let code = try Article("LookInsideAModel").code
        #expect(code.count == 4)
        #expect(try code == Article.examples(in: #filePath))
    }
}
