import TensorCore
import Testing

@testable import WeightMapping

struct CandidateFinderTests {
    @Test(arguments: [
        "", "module.", "_orig_mod.", "backbone.", "encoder.", "model.", "net.", "vit.", "state_dict.",
        "state_dict.module.", "model_state_dict.module._orig_mod.model.", "opt/target/", "0.",
    ])
    func anyPrefixIsFound(prefix: String) throws {
        let choice = try CandidateFinder(Samples.checkpoint(prefix)).choose()
        #expect(choice.candidate.path == String(prefix.dropLast()))
        #expect(choice.candidate.members.map(\.name) == Samples.shapes().map(\.name))
        #expect(choice.remarks == [])
    }

    /// The place that is taken, and the one that stands behind.
    @Test(arguments: [
        ("", "state_dict_ema."), ("state_dict.", "state_dict_ema."), ("model.", "model_ema."),
        ("state_dict.", "model."), ("model.", "module."), ("model.", "teacher."),
        ("teacher.backbone.", "student.module.backbone."),
        ("model.teacher.", "model.student."), ("student.", "ema."), ("model.", "optimizer.exp_avg."),
        ("module.base_encoder.", "module.momentum_encoder."), ("params/", "opt_state/0/mu/"),
        ("state_dict.model.", "state_dict.ema_model."),
        ("other.", "other.deeper."),
    ])
    func thePlainWeightsAreTaken(taken: String, left: String) throws {
        let path = String(taken.dropLast())
        let other = String(left.dropLast())
        for tensors in [
            try Samples.checkpoint(taken) + Samples.checkpoint(left),
            try Samples.checkpoint(left) + Samples.checkpoint(taken),
        ] {
            let choice = try CandidateFinder(tensors).choose()
            #expect(choice.candidate.path == path)
            #expect(choice.candidate.members.count == Samples.shapes().count)
            #expect(choice.others == [other])
            #expect(choice.remarks.count == 1)
            #expect(choice.remarks.first?.contains("'\(other)'") == true)
            let selected = try CandidateFinder(tensors).choose(select: other)
            #expect(selected.candidate.path == other)
            #expect(selected.remarks == [])
        }
    }

    @Test func aPathThatLeadsThereSelects() throws {
        let tensors =
            try Samples.checkpoint("teacher.backbone.") + Samples.checkpoint("student.module.backbone.")
        #expect(
            try CandidateFinder(tensors).choose(select: "student").candidate.path == "student.module.backbone"
        )
        let error = #expect(throws: MappingError.self) { try CandidateFinder(tensors).choose(select: "stud") }
        #expect(
            error == .unknownSelection("stud", candidates: ["teacher.backbone", "student.module.backbone"]))
        #expect(
            "\(error.map(String.init(describing:)) ?? "")".contains(
                "under 'teacher.backbone', under 'student.module"))
    }

    @Test func whatStandsBesideIsSummarised() throws {
        let state = try (0..<3).map {
            NamedTensor("optimizer.state.\($0).exp_avg", try Samples.zeros([8]))
        }
        let center = NamedTensor("dino_loss.center", try Samples.zeros([1, 12]))
        let choice = try CandidateFinder(state + Samples.checkpoint("state_dict.") + [center]).choose()
        #expect(
            choice.remarks == [
                "4 tensors are no part of the model and left out: optimizer (3), dino_loss (1)"
            ])
        let flat = try CandidateFinder(state + Samples.checkpoint() + [center]).choose()
        #expect(flat.candidate.members.count == Samples.shapes().count)
    }

    @Test func anotherArchitectureIsNotTaken() throws {
        let names = [
            "patch_embed.proj.weight", "layers.0.blocks.0.attn.qkv.weight", "layers.0.blocks.0.norm1.weight",
        ]
        let tensors = try names.map { NamedTensor($0, try Samples.zeros([1])) }
        let error = #expect(throws: MappingError.self) { try CandidateFinder(tensors).choose() }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("no known scheme"))
        #expect(text.contains("patch_embed.proj.weight"))
        #expect(throws: MappingError.noWeights(examples: [], count: 0, nearest: nil, lacking: [])) {
            try CandidateFinder([]).choose()
        }
    }

    @Test func aTieBetweenSchemesIsAnError() throws {
        func scheme(_ name: String, _ fingerprint: [String]) -> NamingScheme {
            NamingScheme(name: name, title: name, fingerprint: fingerprint, rules: [])
        }
        let tensors = try Samples.checkpoint("model.")
        let tied = [scheme("one", ["cls_token"]), scheme("two", ["norm.weight"])]
        #expect(throws: MappingError.ambiguousScheme(["one", "two"], path: "model")) {
            try CandidateFinder(tensors, schemes: tied).choose()
        }
        let richer = tied + [scheme("three", ["cls_token", "norm.weight"])]
        #expect(try CandidateFinder(tensors, schemes: richer).choose().candidate.scheme.name == "three")
    }

    @Test func thousandsOfPlacesDoNotHang() throws {
        let view = try Samples.zeros([1])
        let tensors = (0..<3000).flatMap { place in
            ["patch_embed.proj.weight", "blocks.0.attn.qkv.weight"].map {
                NamedTensor("m\(place).\($0)", view)
            }
        }
        let clock = ContinuousClock()
        let time = try clock.measure { _ = try CandidateFinder(tensors).choose() }
        #expect(time < .seconds(20))
    }

    /// A word that leads to the weights, too, tells nothing.
    @Test func whatIsLeftOutIsNamedFromWhereItPartsFromTheWeights() throws {
        var tensors = try Samples.checkpoint("state_dict.backbone.", classes: 0)
        tensors.append(NamedTensor("state_dict.neck.layers.0.weight", try Samples.counting([8, 8], from: 0)))
        #expect(
            try CandidateFinder(tensors).choose().remarks
                == ["1 tensor is no part of the model and left out: state_dict.neck (1)"])
    }
}
