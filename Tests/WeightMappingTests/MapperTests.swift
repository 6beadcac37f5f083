import TensorCore
import Testing

@testable import WeightMapping

struct MapperTests {
    private func map(_ tensors: [NamedTensor], select: String? = nil) throws -> MappedModel {
        try Mapper.map(tensors, select: select)
    }

    /// The report of a proof that must fail.
    private func report(
        of tensors: [NamedTensor], against expected: [(name: String, shape: Shape)]? = nil
    ) throws -> MappingReport {
        let model = try map(tensors)
        do {
            _ = try model.prove(expected ?? Samples.expected())
        } catch MappingError.incomplete(_, _, let report) {
            return report
        } catch {
            throw error
        }
        Issue.record("the proof should have failed")
        return MappingReport()
    }

    @Test func aWholeModelIsProvenInTheModelsOrder() throws {
        let model = try map(Samples.checkpoint("state_dict.module.").reversed())
        let proven = try model.prove(Samples.expected())
        #expect(proven.map(\.name) == Samples.shapes().map(\.name))
        #expect(proven[1].sources == ["state_dict.module.pos_embed"])
        #expect(proven[1].operations == [])
        #expect(try proven[1].view.floats().first == 1000)
        #expect(model.scheme.name == "timm")
        #expect(model.path == "state_dict.module")
        #expect(model.report(against: try Samples.expected()).isComplete)
    }

    @Test func everyParameterIsMissedAndNamed() throws {
        for (index, entry) in Samples.shapes().enumerated()
        where !NamingScheme.timm.fingerprint.contains(entry.name) {
            var tensors = try Samples.checkpoint()
            tensors.remove(at: index)
            #expect(try report(of: tensors).missing.map(\.name) == [entry.name])
        }
    }

    @Test func aMisspeltNameIsMissingAndUnexpected() throws {
        var tensors = try Samples.checkpoint("model.")
        let place = try #require(tensors.firstIndex { $0.name == "model.blocks.1.attn.proj.bias" })
        tensors[place] = NamedTensor("model.blocks.1.attn.porj.bias", tensors[place].view)
        let report = try report(of: tensors)
        #expect(
            report.missing == [
                .init(name: "blocks.1.attn.proj.bias", nearest: "model.blocks.1.attn.porj.bias")
            ])
        #expect(report.unexpected == [.init(name: "model.blocks.1.attn.porj.bias", note: nil)])
        #expect(!report.isComplete)
    }

    @Test func shapesMustAgree() throws {
        let report = try report(of: Samples.checkpoint(), against: Samples.expected(classes: 7))
        #expect(report.mismatched.map(\.name) == ["head.weight", "head.bias"])
        #expect(report.mismatched.first?.expected == [7, 8])
        #expect(report.mismatched.first?.found == [5, 8])
    }

    @Test func aParameterTheModelLacksIsUnexpected() throws {
        let extra = NamedTensor("fc_norm.weight", try Samples.zeros([8]))
        let report = try report(of: Samples.checkpoint() + [extra])
        #expect(report.unexpected == [.init(name: "fc_norm.weight", note: "the model has no fc_norm.weight")])
    }

    @Test func aParameterFilledTwiceIsReported() throws {
        let twice = try ["blocks.0.gamma_1", "blocks.0.ls1.gamma"].map {
            NamedTensor($0, try Samples.zeros([8]))
        }
        var expected = try Samples.expected()
        expected.append(("blocks.0.ls1.gamma", try Shape([8])))
        let report = try report(of: Samples.checkpoint() + twice, against: expected)
        #expect(
            report.duplicates == [
                .init(name: "blocks.0.ls1.gamma", sources: ["blocks.0.gamma_1", "blocks.0.ls1.gamma"])
            ])
    }

    @Test(arguments: [DType.i64, .u8, .bool, .c64])
    func onlyRealNumbersAreParameters(dtype: DType) throws {
        var tensors = try Samples.checkpoint()
        tensors[0] = NamedTensor("cls_token", try Samples.zeros([1, 1, 8], dtype))
        let report = try report(of: tensors)
        #expect(report.invalid.map(\.name) == ["cls_token"])
        #expect(report.invalid.first?.detail.contains(dtype.rawValue) == true)
        #expect(report.missing == [])
    }

    @Test(arguments: [DType.f64, .f16, .bf16, .f8e4m3])
    func floatingPointTypesMayMix(dtype: DType) throws {
        var tensors = try Samples.checkpoint()
        tensors[0] = NamedTensor("cls_token", try Samples.zeros([1, 1, 8], dtype))
        #expect(try map(tensors).prove(Samples.expected())[0].view.dtype == dtype)
    }

    @Test func gammasOfDeiT3AreLayerScale() throws {
        let gammas = try (0..<2).flatMap { block in
            try [1, 2].map { NamedTensor("blocks.\(block).gamma_\($0)", try Samples.zeros([8])) }
        }
        let model = try map(Samples.checkpoint() + gammas)
        #expect(model["blocks.1.ls2.gamma"]?.sources == ["blocks.1.gamma_2"])
        #expect(model.report.unexpected == [])
    }

    @Test func anOldPatchWeightGetsItsFourAxes() throws {
        var tensors = try Samples.checkpoint()
        tensors[2] = NamedTensor(tensors[2].name, try Samples.counting([8, 48], from: 2000))
        let proven = try map(tensors).prove(Samples.expected())
        #expect(proven[2].operations == ["reshape([8, 3, 4, 4])"])
        #expect(try proven[2].view.floats() == Samples.counting([8, 3, 4, 4], from: 2000).floats())
        tensors[2] = NamedTensor(tensors[2].name, try Samples.counting([8, 50]))
        let report = try report(of: tensors)
        #expect(report.invalid.map(\.name) == ["patch_embed.proj.weight"])
    }

    @Test func aBiasWithoutKeysIsCompleted() throws {
        var tensors = try Samples.checkpoint().filter { $0.name != "blocks.0.attn.qkv.bias" }
        tensors.append(NamedTensor("blocks.0.attn.q_bias", try Samples.counting([8], from: 1)))
        let half = try map(tensors)
        #expect(
            half.report.unexpected == [
                .init(name: "blocks.0.attn.q_bias", note: "needs blocks.0.attn.v_bias, too")
            ])
        tensors.append(NamedTensor("blocks.0.attn.v_bias", try Samples.counting([8], from: 11)))
        let bias = try #require(try map(tensors)["blocks.0.attn.qkv.bias"])
        #expect(bias.sources == ["blocks.0.attn.q_bias", "blocks.0.attn.v_bias"])
        let values: [Float] = [
            1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 11, 12, 13, 14, 15, 16, 17, 18,
        ]
        #expect(try bias.view.floats() == values)
    }

    @Test(arguments: [
        "blocks.0.attn.relative_position_bias_table", "rel_pos_bias.relative_position_bias_table",
        "blocks.1.attn.gate.weight",
    ])
    func whatTheModelCannotComputeIsRefused(name: String) throws {
        let tensors =
            try Samples.checkpoint("model.") + [
                NamedTensor("model." + name, try Samples.zeros([1]))
            ]
        let error = #expect(throws: MappingError.self) { try Mapper.map(tensors) }
        guard case .unsupported(_, let names) = error else {
            Issue.record("expected a refusal, found \(String(describing: error))")
            return
        }
        #expect(names == ["model." + name])
    }

    @Test func theDecoderOfAMaskedAutoencoderIsLeftOut() throws {
        let names = [
            "mask_token", "decoder_pos_embed", "decoder_blocks.0.attn.qkv.weight", "decoder_pred.bias",
        ]
        let extra = try names.map { NamedTensor("model." + $0, try Samples.zeros([1])) }
        let model = try map(Samples.checkpoint("model.", classes: 0) + extra)
        _ = try model.prove(Samples.expected(classes: 0))
        #expect(model.report.ignored.map(\.name) == names.map { "model." + $0 })
        #expect(model.remarks.contains { $0.contains("4 tensors are left out") && $0.contains("(3)") })
    }

    @Test func theProjectionHeadOfDINOIsLeftOut() throws {
        let heads = ["head.mlp.0.weight", "head.last_layer.weight_g"]
        let tensors =
            try Samples.checkpoint("student.module.backbone.", classes: 0)
            + heads.map { NamedTensor("student.module." + $0, try Samples.zeros([1])) }
            + Samples.checkpoint("teacher.backbone.", classes: 0)
            + heads.map { NamedTensor("teacher." + $0, try Samples.zeros([1])) }
        for (select, path) in [(nil, "teacher"), ("student", "student.module")] as [(String?, String)] {
            let model = try map(tensors, select: select)
            _ = try model.prove(Samples.expected(classes: 0))
            #expect(model.path == path + ".backbone")
            #expect(model.report.ignored.map(\.name) == heads.map { path + "." + $0 })
        }
    }

    @Test(arguments: ["head", "classifier", "fc"])
    func aHeadBesideThePrefixIsTaken(name: String) throws {
        let head = [
            NamedTensor(name + ".weight", try Samples.counting([5, 8])),
            NamedTensor(name + ".bias", try Samples.counting([5])),
        ]
        let model = try map(Samples.checkpoint("backbone.", classes: 0) + head)
        let proven = try model.prove(Samples.expected())
        #expect(proven.last?.sources == [name + ".bias"])
        #expect(model.remarks.contains { $0.contains("beside 'backbone'") })
        let own = try map(Samples.checkpoint("backbone.") + head)
        #expect(try own.prove(Samples.expected()).last?.sources == ["backbone.head.bias"])
        #expect(own.report.ignored.map(\.name) == head.map(\.name))
    }
}
