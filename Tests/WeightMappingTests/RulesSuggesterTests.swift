import TensorCore
import Testing

@testable import WeightMapping

struct RulesSuggesterTests {
    /// timm's tensors under other names.
    private static func renamed(depth: Int = 2, _ rename: (String) -> String) throws -> [NamedTensor] {
        try Samples.checkpoint(depth: depth).map { NamedTensor(rename($0.name), $0.view) }
    }

    private static func stage(_ name: String) -> String {
        "net." + name.replacing("blocks.", with: "stage.").replacing("patch_embed", with: "stem")
    }

    private func expectWhole(_ draft: RulesDraft, _ tensors: [NamedTensor], depth: Int = 2) throws {
        let rules = try NamingScheme(parsingRules: Array(draft.json.compact.utf8))
        let model = try Mapper.map(tensors, schemes: [rules])
        let expected = try Samples.checkpoint(depth: depth)
        let proven = try model.prove(expected.map { ($0.name, $0.view.shape) })
        for (parameter, original) in zip(proven, expected) {
            #expect(try parameter.view.floats() == original.view.floats(), "\(original.name)")
        }
    }

    /// One level of names without a word in them: weights and biases are told by their order.
    @Test func namesWithoutAnyWord() throws {
        let names = try Samples.checkpoint(depth: 1).map(\.name).filter { $0.hasPrefix("blocks.") }
        let order = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1.dropFirst(9), $0) })
        var place = 0
        let tensors = try Self.renamed { name in
            if name.hasPrefix("blocks."), let index = order[name.dropFirst(9)] {
                return "b\(name.dropFirst(7).prefix(1)).t\(index + 10)"
            }
            place += 1
            return "x\(place + 10)"
        }
        let draft = try RulesSuggester.draft(tensors)
        #expect(draft.unplaced.isEmpty)
        #expect(draft.rows.filter { $0.note != nil }.count > 10)
        try expectWhole(draft, tensors)
    }

    @Test func aSingleBlock() throws {
        let tensors = try Self.renamed(depth: 1, Self.stage)
        try expectWhole(try RulesSuggester.draft(tensors), tensors, depth: 1)
    }

    @Test func trainingStateIsLeftAside() throws {
        let plain = try Self.renamed(Self.stage)
        func below(_ place: String) -> [NamedTensor] { plain.map { NamedTensor(place + $0.name, $0.view) } }
        let steps = try plain.indices.map {
            NamedTensor("optimizer.state.\($0).step", try Samples.zeros([]))
        }
        let tensors = below("model_ema.") + below("state_dict.module.") + below("optimizer.mu.") + steps
        let draft = try RulesSuggester.draft(tensors)
        #expect(draft.unplaced.isEmpty)
        #expect(draft.scheme.fingerprint == ["stem.proj.weight", "stage.0.attn.qkv.weight"])
        #expect(draft.remarks.contains { $0.contains("'model_ema.net.stage.'") && $0.contains("--select") })
        // Written again, the names stand where they stood, but for the dictionary.
        #expect(draft.scheme.prefix == "module.net.")
        let rules = try NamingScheme(parsingRules: Array(draft.json.compact.utf8))
        #expect(try Mapper.map(tensors, schemes: [rules]).path == "state_dict.module.net")
        #expect(try RulesSuggester.draft(tensors, select: "model_ema").scheme.prefix == "net.")
        #expect(throws: MappingError.self) { try RulesSuggester.draft(tensors, select: "nowhere") }
    }

    @Test func aDecoderIsLeftOut() throws {
        let encoder = try Self.renamed(Self.stage)
        let decoder = try Self.renamed { "net.decoder." + $0 }.map {
            NamedTensor($0.name, try Samples.zeros($0.view.shape.dimensions))
        }
        let tensors = decoder + encoder
        let draft = try RulesSuggester.draft(tensors)
        #expect(draft.scheme.ignored.contains { $0.reason == "belongs to a decoder" })
        try expectWhole(draft, tensors)
    }

    @Test func whatHasNoPlaceIsListed() throws {
        let tensors =
            try Self.renamed(Self.stage) + [
                NamedTensor("net.stage.0.gate.weight", try Samples.zeros([3, 5])),
                NamedTensor("net.stage.1.gate.weight", try Samples.zeros([3, 5])),
                NamedTensor("net.steps", try Samples.zeros([], .i64)),
            ]
        let draft = try RulesSuggester.draft(tensors)
        #expect(draft.unplaced.map(\.name) == ["stage.{i}.gate.weight"])
        #expect(draft.unplaced.first?.guess == "nothing of the model has such a shape")
        #expect(draft.scheme.ignored.map(\.template.pattern) == ["steps"])
        let rules = try NamingScheme(parsingRules: Array(draft.json.compact.utf8))
        #expect(
            try Mapper.map(tensors, schemes: [rules]).report.unexpected.map(\.name) == [
                "net.stage.0.gate.weight", "net.stage.1.gate.weight",
            ])
    }

    /// The same shape as the fused matrix, under names that do not tell: the doubt is said.
    @Test func anMLPThreeTimesAsWideIsDoubtful() throws {
        let tensors = try Self.renamed { Self.stage($0).replacing("attn.qkv", with: "fuse") }.map { tensor in
            let shape = tensor.view.shape.dimensions.map { $0 == 16 ? 24 : $0 }
            return tensor.name.contains("mlp") ? NamedTensor(tensor.name, try Samples.zeros(shape)) : tensor
        }
        let draft = try RulesSuggester.draft(tensors)
        let row = draft.rows.first { $0.rule.targets[0].pattern == "blocks.{i}.attn.qkv.weight" }
        #expect(row?.note?.contains("another matrix") == true)
        #expect(draft.unplaced.isEmpty)
    }

    @Test(arguments: [
        ([("conv.weight", [8, 3, 3, 3]), ("fc.weight", [4, 8])], "counts blocks"),
        (
            (0..<2).flatMap { i in (0..<6).map { ("layer.\(i).conv\($0).weight", [8, 8, 3, 3]) } },
            "do not look like a Transformer's"
        ),
        ([], "counts blocks"),
    ])
    func whatIsNoVisionTransformerIsRefused(shapes: [(String, [Int])], message: String) throws {
        let tensors = try shapes.map { NamedTensor($0.0, try Samples.zeros($0.1)) }
        let error = #expect(throws: MappingError.self) { try RulesSuggester.draft(tensors) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test func aTextModelIsRefused() throws {
        let tensors = try Self.renamed(Self.stage).filter { !$0.name.contains("stem") }
        let error = #expect(throws: MappingError.self) { try RulesSuggester.draft(tensors) }
        #expect(error?.description.contains("nothing embeds patches") == true)
    }

    /// Shapes without elements have lengths that no memory holds.
    @Test(arguments: [0, 1, 1 << 24, 1 << 40, Int.max / 2, Int.max])
    func absurdWidthsDoNotTrap(length: Int) throws {
        let tensors = try Self.renamed(Self.stage).compactMap { tensor -> NamedTensor? in
            let dimensions = tensor.view.shape.dimensions.map {
                $0 == 8 || $0 == 24 ? length : $0 == 16 ? 0 : $0
            }
            // A batch axis of no elements: nothing is stored, and every other length is possible.
            guard let shape = try? Shape(dimensions.count > 1 ? dimensions : [length, 0]),
                let view = try? TensorView(
                    storage: .bytes(ByteRegion([]), .little), dtype: .f32, shape: shape)
            else { return nil }
            return NamedTensor(tensor.name, view)
        }
        for order in [tensors, tensors.reversed()] {
            if let draft = try? RulesSuggester.draft(order) {
                _ = try NamingScheme(parsingRules: Array(draft.json.compact.utf8))
            }
        }
    }

    /// Names of every odd kind in place of a block's tensor, and shapes of every odd kind.
    @Test func oddNamesAndShapesDoNotTrap() throws {
        let names = [
            "", ".", "/", "{i}", "{", "stage.00.x", "stage.99999999999999999999.x", "0", "0.0.0.0", "é.1.ü",
            "vars/0",
        ]
        let shapes = [
            [], [0], [0, 0], [1, 1], [8, 0], [1, 0, 8], [.max], [8, 3, 0, 0], [1, 1, 1, 1, 1],
        ]
        for name in names {
            for shape in shapes {
                let region = ByteRegion([0, 0, 0, 0])
                guard let size = try? Shape(shape),
                    let view = try? TensorView(
                        storage: .bytes(region, .little), dtype: .f32, shape: size,
                        strides: shape.map { _ in 0 })
                else { continue }
                let tensors =
                    try Self.renamed(Self.stage)
                    + ["", "net.", "net.stage.0.", "net.stage.1."].map {
                        NamedTensor($0 + name, view)
                    }
                if let draft = try? RulesSuggester.draft(tensors) {
                    _ = try NamingScheme(parsingRules: Array(draft.json.compact.utf8))
                }
            }
        }
    }
}
