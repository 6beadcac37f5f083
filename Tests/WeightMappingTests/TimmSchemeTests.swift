import TensorCore
import Testing

@testable import WeightMapping

struct TimmSchemeTests {
    /// timm's own `state_dict()` of each form, as safetensors.
    @Test(arguments: [
        "avgpool_fc_norm", "epsilon_1e-12", "features", "half_bf16", "no_embed_class", "no_qkv_bias",
        "qk_norm",
        "rect_patch", "swiglu_packed",
    ])
    func itsOwnNamesAreCanonical(name: String) throws {
        let fixture = try Samples.fixture("models/\(name).safetensors").tensors
        let tensors = fixture.sorted { $0.key < $1.key }.map { NamedTensor($0.key, $0.value) }
        let model = try Mapper.map(tensors)
        let proven = try model.prove(tensors.map { ($0.name, $0.view.shape) })
        #expect(proven.map(\.name) == tensors.map(\.name))
        #expect(proven.map { $0.sources } == tensors.map { [$0.name] })
        #expect(proven.allSatisfy { $0.operations.isEmpty })
        #expect(model.remarks == [])
    }

    @Test(arguments: [
        "dist_token", "reg_token", "patch_embed.norm.weight", "norm_pre.bias", "blocks.3.attn.q_norm.weight",
        "blocks.3.attn.k_norm.bias", "blocks.3.ls1.gamma", "blocks.3.mlp.fc1_g.weight",
        "blocks.3.mlp.fc1_x.bias",
        "blocks.3.mlp.norm.weight", "attn_pool.latent", "attn_pool.q.weight", "attn_pool.kv.bias",
        "attn_pool.mlp.fc2.weight", "fc_norm.weight", "pre_logits.fc.weight", "head_dist.bias",
    ])
    func namesOfTheRarerForms(name: String) throws {
        let extra = NamedTensor(name, try Samples.zeros([8]))
        let model = try Mapper.map(Samples.checkpoint() + [extra])
        #expect(model[name]?.sources == [name])
        #expect(model.report.unexpected == [])
    }

    @Test(arguments: [
        ["blocks.0.attn.rel_pos.mlp.fc1.weight"], ["patch_embed.backbone.conv.weight"],
        ["blocks.0.attn.q_bias", "blocks.0.attn.v_bias", "blocks.0.mlp.fc1_g.weight"],
    ])
    func whatTheModelDoesNotComputeIsRefused(names: [String]) throws {
        let extra = try names.map { NamedTensor($0, try Samples.zeros([8])) }
        let error = #expect(throws: MappingError.self) { try Mapper.map(Samples.checkpoint() + extra) }
        guard case .unsupported = error else {
            Issue.record("expected a refusal by name, found \(String(describing: error))")
            return
        }
    }

    @Test(arguments: [("w12", "fc1"), ("w3", "fc2")])
    func swiGLUOfDINOv2(theirs: String, ours: String) throws {
        let tensors = try Samples.checkpoint().map {
            NamedTensor($0.name.replacing("mlp.\(ours)", with: "mlp.\(theirs)"), $0.view)
        }
        #expect(
            try Mapper.map(tensors)["blocks.1.mlp.\(ours).bias"]?.sources == ["blocks.1.mlp.\(theirs).bias"])
    }

    @Test func theFirstRowForATargetIsItsOwnName() {
        var seen: Set<String> = []
        for rule in NamingScheme.timm.rules {
            for target in rule.targets where seen.insert(target.pattern).inserted {
                #expect(rule.sources == [target])
                #expect(rule.operations == [])
            }
        }
        #expect(seen.count > 50)
    }

    @Test func everySchemeHasItsOwnNameAndFingerprint() {
        #expect(Set(NamingScheme.all.map(\.name)).count == NamingScheme.all.count)
        for scheme in NamingScheme.all {
            #expect(NamingScheme.named(scheme.name)?.name == scheme.name)
            for name in scheme.fingerprint {
                #expect(
                    scheme.rules.contains { $0.sources.contains { $0.match(name) != nil } }
                        || scheme.ignored.contains { $0.template.match(name) != nil })
            }
        }
    }
}
