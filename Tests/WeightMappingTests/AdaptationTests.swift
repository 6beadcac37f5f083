import TensorCore
import Testing

@testable import WeightMapping

struct AdaptationTests {
    private func adapted(
        _ tensors: [NamedTensor], _ change: (inout Adaptation) -> Void
    ) throws -> MappedModel {
        var adaptation = Adaptation()
        change(&adaptation)
        var model = try Mapper.map(tensors)
        try model.adapt(adaptation) { _, shape, dtype in try Samples.zeros(shape.dimensions, dtype) }
        return model
    }

    private func preLogits(_ outputs: Int) throws -> [NamedTensor] {
        [
            NamedTensor("pre_logits.fc.weight", try Samples.zeros([outputs, 8])),
            NamedTensor("pre_logits.fc.bias", try Samples.zeros([outputs])),
        ]
    }

    @Test func nothingAskedNothingChanged() throws {
        let model = try adapted(Samples.checkpoint()) { $0.classes = 5 }
        #expect(try model.prove(Samples.expected()).allSatisfy { $0.operations.isEmpty })
        #expect(model.remarks == [])
    }

    @Test func theHeadIsDropped() throws {
        let odd = NamedTensor("head.1.weight", try Samples.zeros([3, 8]))
        let model = try adapted(Samples.checkpoint() + [odd]) { $0.classes = 0 }
        _ = try model.prove(Samples.expected(classes: 0))
        #expect(model.report.ignored.map(\.name).sorted() == ["head.1.weight", "head.bias", "head.weight"])
        #expect(model.remarks.count == 1)
    }

    @Test(arguments: [5, 0])
    func aNewHeadIsMade(before: Int) throws {
        let model = try adapted(Samples.checkpoint(classes: before)) { $0.classes = 7 }
        let proven = try model.prove(Samples.expected(classes: 7))
        #expect(proven.suffix(2).map(\.operations) == [["initialised"], ["initialised"]])
        #expect(proven.suffix(2).allSatisfy { $0.sources.isEmpty })
        #expect(model.report.ignored.count == (before > 0 ? 2 : 0))
        #expect(model.remarks.first?.contains("7 classes") == true)
    }

    @Test func aDistilledModelGetsTwoHeads() throws {
        let token = NamedTensor("dist_token", try Samples.zeros([1, 1, 8]))
        let model = try adapted(Samples.checkpoint(classes: 0) + [token]) { $0.classes = 3 }
        #expect(model["head_dist.weight"]?.view.shape.dimensions == [3, 8])
        #expect(model["head_dist.bias"]?.view.shape.dimensions == [3])
    }

    @Test func aNewHeadReadsThePreLogits() throws {
        let model = try adapted(Samples.checkpoint(classes: 0) + preLogits(6)) { $0.classes = 3 }
        #expect(model["head.weight"]?.view.shape.dimensions == [3, 6])
    }

    @Test func preLogitsAreDropped() throws {
        let model = try adapted(Samples.checkpoint() + preLogits(8)) { $0.dropsPreLogits = true }
        _ = try model.prove(Samples.expected())
        #expect(model.report.ignored.map(\.name) == ["pre_logits.fc.weight", "pre_logits.fc.bias"])
    }

    @Test func preLogitsOfAnotherWidthCannotGoAlone() throws {
        let tensors =
            try Samples.checkpoint(classes: 0) + preLogits(6)
            + [NamedTensor("head.weight", try Samples.zeros([5, 6]))]
        #expect(throws: MappingError.self) { try adapted(tensors) { $0.dropsPreLogits = true } }
        let model = try adapted(tensors) {
            $0.dropsPreLogits = true
            $0.classes = 3
        }
        #expect(model["head.weight"]?.view.shape.dimensions == [3, 8])
        #expect(model["head.bias"] == nil)
    }

    @Test func positionsAreResampled() throws {
        let model = try adapted(Samples.checkpoint()) {
            $0.grids = (PatchGrid(height: 4, width: 4), PatchGrid(height: 6, width: 5))
        }
        let positions = try #require(model["pos_embed"])
        #expect(positions.view.shape.dimensions == [1, 31, 8])
        #expect(positions.operations == ["resample(4×4 to 6×5, bicubic with antialias)"])
        #expect(try positions.view.floats().prefix(8) == (1000..<1008).map { Float($0) }[...])
        #expect(throws: MappingError.self) {
            try adapted(Samples.checkpoint()) {
                $0.grids = (PatchGrid(height: 5, width: 5), PatchGrid(height: 6, width: 6))
            }
        }
    }

    @Test func typesAreConverted() throws {
        let model = try adapted(Samples.checkpoint()) {
            $0.dtype = .f16
            $0.grids = (PatchGrid(height: 4, width: 4), PatchGrid(height: 2, width: 2))
        }
        #expect(model.tensors.allSatisfy { $0.view.dtype == .f16 })
        #expect(model.dominantDType == .f16)
        #expect(model["cls_token"]?.operations == ["convert(F32 to F16)"])
        #expect(model["pos_embed"]?.operations.count == 2)
        #expect(try model["cls_token"]?.view.floats() == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(try adapted(Samples.checkpoint()) { $0.dtype = .f32 }.remarks == [])
    }
}
