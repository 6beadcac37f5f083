import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// timm's checkpoints under names that no scheme knows: the drafted table finds every parameter again.
@Suite struct SuggestionTests {
    static let forms = [
        "vit_demo", "plain", "prelogits_in21k", "prelogits_wider", "deit_distilled", "features", "registers",
        "no_embed_class", "layer_scale", "avgpool_norm", "no_class_token", "norm_pre", "no_qkv_bias",
        "one_channel", "rect", "rect_patch", "half_bf16", "swiglu_packed", "vit_legacy",
    ]

    private static func disguised(_ fixture: ModelFixture, as scheme: NamingScheme) throws -> [NamedTensor] {
        let model = try fixture.prepared()
        return try SchemeWriter.write(
            model.parameters.map { NamedTensor($0.name, $0.view) }, in: scheme,
            lengths: ["H": model.configuration.heads, "C": model.configuration.channels])
    }

    @Test(arguments: forms, Disguise.all)
    func theDraftFindsEveryParameter(form: String, disguise: Disguise) throws {
        let fixture = try ModelFixture.named(form)
        let tensors = try Self.disguised(fixture, as: disguise.scheme)
        for order in [tensors, tensors.sorted { $0.name < $1.name }] {
            let draft = try RulesSuggester.draft(order)
            #expect(draft.unplaced.map(\.name) == [])
            let rules = try NamingScheme(parsingRules: Array(draft.json.fitted(to: 110).utf8))
            #expect(rules == draft.scheme)
            let mapped = try Mapper.map(order, schemes: [rules])
            let expected = try fixture.prepared().parameters
            #expect(Set(mapped.tensors.map(\.name)) == Set(expected.map(\.name)))
            #expect(mapped.report.isComplete)
            for parameter in expected {
                let found = try #require(mapped[parameter.name], "\(parameter.name)")
                #expect(found.view.shape == parameter.view.shape, "\(parameter.name)")
                #expect(try found.view.floats() == parameter.view.floats(), "\(parameter.name)")
            }
        }
    }

    /// The whole way, through a file under the other names and the draft's own text.
    @Test(arguments: ["vit_demo", "deit_distilled", "prelogits_wider"], Disguise.all)
    func theDraftComputesWhatTheOriginalDoes(form: String, disguise: Disguise) throws {
        let fixture = try ModelFixture.named(form)
        let folder = try TemporaryFolder()
        let tensors = try Self.disguised(fixture, as: disguise.scheme)
        let file = try AtomicFile(replacing: folder.path + "disguised.npz")
        try NpzWriter.write(tensors, to: file)
        try file.commit()
        let checkpoint = try Checkpoint(path: folder.path + "disguised.npz")
        let text = try suggestRules(for: checkpoint).json.fitted(to: 110)
        var options = fixture.options
        try options.readRules(at: try folder.file("draft.json", Array(text.utf8)))
        let report = try verify(
            try PreparedModel(checkpoint, options: options), reference: fixture.referencePath
        ).report
        let logits = try #require(try Checkpoint(path: fixture.referencePath).tensor("logits")).floats()
        #expect(report.logits.maxAbsoluteError <= 1e-5 * Double(logits.reduce(0) { max($0, abs($1)) }))
    }

    /// What the libraries themselves wrote: the draft makes of it what the known scheme does.
    @Test(arguments: [
        "torch/hf_vit/model.safetensors", "torch/hf_deit_distilled.pth", "torch/hf_dinov2_registers.pth",
        "torch/hf_mae.pth", "torch/torchvision.pth", "torch/torchvision_representation_old.pth",
        "torch/openclip_visual.pth", "jax/jax_pre_logits.npz", "jax/flax_linen.npz",
        "jax/big_vision_token.npz",
        "jax/huggingface_flax.msgpack", "keras/vit_keras.h5", "keras/vit_keras_3.weights.h5",
        "keras/keras_hub.weights.h5", "keras2/vit_keras_2_model.model.h5",
    ])
    func theDraftAgreesWithTheKnownScheme(name: String) throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("schemes/" + name))
        let known = try Mapper.map(checkpoint.tensors)
        #expect(known.scheme != .timm)
        let draft = try RulesSuggester.draft(checkpoint.tensors)
        let rules = try NamingScheme(parsingRules: Array(draft.json.compact.utf8))
        let mapped = try Mapper.map(checkpoint.tensors, schemes: [rules])
        #expect(draft.unplaced.isEmpty)
        #expect(mapped.report.isComplete)
        #expect(Set(mapped.tensors.map(\.name)) == Set(known.tensors.map(\.name)))
        for parameter in known.tensors {
            let found = try #require(mapped[parameter.name], "\(parameter.name)")
            #expect(try found.view.floats() == parameter.view.floats(), "\(parameter.name)")
        }
    }
}
