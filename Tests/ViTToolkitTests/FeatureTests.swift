import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// The inside of a model as timm gives it: `forward_features`, `forward_intermediates`, attention maps by a hook, and
/// passes under a mask.
@Suite struct FeatureTests {
    static let names = [
        "plain", "rect", "registers", "deit_distilled", "no_class_token", "attention_pool", "quick_gelu",
        "prelogits_in21k", "no_embed_class_registers",
    ]

    /// A model of `Fixtures/models` and what timm gives of its inside.
    struct Inside {
        let model: VisionTransformer
        let checkpoint: Checkpoint
        let input: FloatTensor

        init(_ name: String) throws {
            model = try ModelFixture.named(name).prepared().model()
            checkpoint = try Checkpoint(path: Fixtures.path("features/\(name).safetensors"))
            input = try FloatTensor(#require(checkpoint.tensor("input")))
        }

        func expect(_ found: FloatTensor, _ name: String) throws {
            let expected = try FloatTensor(#require(checkpoint.tensor(name), "\(name)"))
            #expect(found.shape == expected.shape, "\(name)")
            guard found.shape == expected.shape else { return }
            let scale = expected.values.reduce(0) { max($0, abs($1)) }
            let error = zip(found.values, expected.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(error <= 1e-5 * scale, "\(name)")
        }
    }

    @Test(arguments: names)
    func intermediatesAreTimms(_ name: String) throws {
        let inside = try Inside(name)
        for normalised in [false, true] {
            let (tokens, intermediates) = try inside.model.forwardIntermediates(
                inside.input, normalised: normalised)
            try inside.expect(tokens, "tokens")
            #expect(intermediates.map(\.block) == [0, 1])
            for intermediate in intermediates {
                let entry = "\(normalised ? "normed" : "raw").\(intermediate.block)"
                try inside.expect(intermediate.patches, "\(entry).patches")
                if let prefix = intermediate.prefix {
                    try inside.expect(prefix, "\(entry).prefix")
                } else {
                    #expect(inside.checkpoint.tensor("\(entry).prefix") == nil)
                }
            }
            let last = try inside.model.forwardIntermediates(
                inside.input, blocks: [-1, 1], normalised: normalised
            ).intermediates
            #expect(last.map(\.block) == [1])
        }
    }

    @Test(arguments: names)
    func attentionMapsAreTimms(_ name: String) throws {
        let inside = try Inside(name)
        let maps = try inside.model.features(
            inside.input, [.attention(block: 0), .attention(block: 1), .attention(block: -1)])
        try inside.expect(maps[0], "attention.0")
        try inside.expect(maps[1], "attention.1")
        #expect(maps[2].shape == maps[1].shape)
        guard inside.model.configuration.classToken else { return }
        // The class token's row, without the columns of the prefix.
        let (configuration, all) = (inside.model.configuration, maps[1])
        let seen = try inside.model.features(inside.input, .classAttention(block: 1))
        let grid = configuration.gridSize
        #expect(seen.shape.dimensions == [2, configuration.heads, grid.height, grid.width])
        let count = configuration.tokenCount
        for (head, patch) in [(0, 0), (1, 3), (5, 7)] {
            let expected = all.values[head * count * count + configuration.prefixCount + patch]
            #expect(abs(seen.values[head * configuration.patchCount + patch] - expected) < 1e-6)
        }
    }

    /// The forms in which tokens can be had are cuts of the same tokens.
    @Test(arguments: names)
    func tokensAreCut(_ name: String) throws {
        let inside = try Inside(name)
        let (configuration, model) = (inside.model.configuration, inside.model)
        let (prefix, width, count) = (
            configuration.prefixCount, configuration.width, configuration.tokenCount
        )
        let found = try model.features(
            inside.input,
            [.tokens(block: 0), .prefixTokens(block: 0), .patchTokens(block: 0), .patchMap(block: 0)],
            normalised: true)
        let (all, patches) = (found[0].values, configuration.patchCount)
        #expect(found[0].shape.dimensions == [2, count, width])
        #expect(found[1].shape.dimensions == [2, prefix, width])
        #expect(found[2].shape.dimensions == [2, patches, width])
        try inside.expect(found[3], "normed.0.patches")
        for image in 0..<2 {
            let own = Array(all[image * count * width..<(image + 1) * count * width])
            let (front, back) = (prefix * width, patches * width)
            #expect(Array(found[1].values[image * front..<(image + 1) * front]) == Array(own[..<front]))
            #expect(Array(found[2].values[image * back..<(image + 1) * back]) == Array(own[front...]))
        }
        guard configuration.classToken else {
            #expect(throws: ViTError.feature("the model has no class token")) {
                try model.features(inside.input, .classToken(block: 0))
            }
            return
        }
        let rows = try model.features(inside.input, .classToken(block: 0), normalised: true)
        #expect(rows.shape.dimensions == [2, width])
        #expect(Array(rows.values[..<width]) == Array(all[..<width]))
        #expect(Array(rows.values[width...]) == Array(all[count * width..<(count + 1) * width]))
    }

    @Test(arguments: names)
    func masksAreTimms(_ name: String) throws {
        let inside = try Inside(name)
        let mask = try AttentionMask(#require(inside.checkpoint.tensor("bias")))
        try inside.expect(try inside.model.forward(inside.input, mask: mask), "logits.bias")
        let count = inside.model.configuration.tokenCount
        let causal = try AttentionMask.causal(queries: count, keys: count)
        try inside.expect(try inside.model.forward(inside.input, mask: causal), "logits.causal")
    }

    @Test func whatIsNotThereIsRefused() throws {
        let inside = try Inside("plain")
        for block in [2, -3] {
            #expect(throws: ViTError.feature("there is no block \(block): the model has 2, counted from 0")) {
                try inside.model.features(inside.input, .attention(block: block))
            }
            #expect(throws: ViTError.self) {
                try inside.model.forwardIntermediates(inside.input, blocks: [block])
            }
        }
        #expect(try inside.model.features(inside.input, []).isEmpty)
        #expect(throws: ViTError.self) {
            try inside.model.features(FloatTensor(zeros: Shape([1, 3, 8, 8])), .tokens(block: 0))
        }
    }

    /// Groups of images are put together again.
    @Test func largeBatchesPassInGroups() throws {
        let inside = try Inside("plain")
        let pixels = inside.input.values.count / 2
        let first = Array(inside.input.values[..<pixels])
        let copies = 2048 / inside.model.configuration.tokenCount + 3
        let many = try FloatTensor(
            shape: Shape([copies, 3, 32, 32]), values: (0..<copies).flatMap { _ in first })
        let rows = try inside.model.features(many, .classToken(block: 1))
        #expect(rows.shape.dimensions == [copies, 24])
        let (head, tail) = (rows.values.prefix(24), rows.values.suffix(24))
        #expect(zip(head, tail).allSatisfy { abs($0 - $1) < 1e-5 } && Set(head).count > 20)
    }
}

/// What `verify --activations` saves.
@Suite struct SavedActivationTests {
    @Test func filtersSayWhatIsKept() throws {
        let fixture = try ModelFixture.named("plain")
        let prepared = try fixture.prepared()
        func kept(_ filter: String?) throws -> [String: [Int]] {
            let computed = try verify(
                prepared, reference: fixture.referencePath, keepsActivations: true, filter: filter
            ).computed
            return Dictionary(uniqueKeysWithValues: computed.map { ($0.name, $0.tensor.shape.dimensions) })
        }
        let maps = try kept("*.attn_drop")
        #expect(maps.keys.sorted() == ["blocks.0.attn.attn_drop", "blocks.1.attn.attn_drop", "logits"])
        #expect(maps["blocks.0.attn.attn_drop"] == [2, 3, 17, 17])
        #expect(try kept("blocks.?").keys.sorted() == ["blocks.0", "blocks.1", "logits"])
        #expect(try kept("logits").keys.sorted() == ["logits"])
        let all = try kept(nil)
        #expect(maps.allSatisfy { all[$0.key] == $0.value } && all["norm"] == [2, 17, 24])
        #expect(throws: ToolkitError.self) { try kept("layers.*") }
        // What is not kept is compared all the same.
        let verification = try verify(
            prepared, reference: fixture.referencePath, keepsActivations: true, filter: "norm")
        #expect(verification.report.activations.count > 20 && verification.report.passed)
        #expect(try verify(prepared, reference: fixture.referencePath).computed.map(\.name) == ["logits"])
    }
}
