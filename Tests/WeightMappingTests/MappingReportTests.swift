import TensorCore
import Testing

@testable import WeightMapping

struct MappingReportTests {
    private func report() throws -> MappingReport {
        var tensors = try Samples.checkpoint("model.", depth: 4).map { tensor in
            NamedTensor(tensor.name.replacing("attn.proj.bias", with: "attn.porj.bias"), tensor.view)
        }
        tensors.removeAll { $0.name == "model.norm.bias" }
        tensors.append(NamedTensor("model.mask_token", try Samples.zeros([1])))
        tensors[0] = NamedTensor("model.cls_token", try Samples.zeros([1, 1, 8], .i32))
        return try Mapper.map(tensors).report(against: Samples.expected(depth: 4, classes: 7))
    }

    @Test func textFoldsBlocks() throws {
        #expect(
            try report().description == """
                missing (5):
                  blocks.{0…3}.attn.proj.bias (4)  nearest found: model.blocks.{0…3}.attn.porj.bias
                  norm.bias
                unexpected (4):
                  model.blocks.{0…3}.attn.porj.bias (4)
                of another shape (2):
                  head.weight  expected [7, 8], found [5, 8]
                  head.bias    expected [7], found [5]
                not usable (1):
                  cls_token  expected real numbers with a fraction, found I32
                left out (1):
                  model.mask_token  stands for masked patches in pre-training
                """)
    }

    @Test func jsonHasEveryEntry() throws {
        let json = try report().json
        #expect(json["complete"]?.bool == false)
        #expect(json["missing"]?.array?.count == 5)
        #expect(json["missing"]?.array?.first?["nearest"]?.string == "model.blocks.0.attn.porj.bias")
        #expect(json["unexpected"]?.array?.first?["name"]?.string == "model.blocks.0.attn.porj.bias")
        #expect(
            json["mismatched"]?.array?.first?.compact
                == #"{"name":"head.weight","expected":[7,8],"found":[5,8],"sources":["model.head.weight"]}"#)
        #expect(json["invalid"]?.array?.first?["sources"] == .strings(["model.cls_token"]))
        #expect(
            json["ignored"]?.array?.first?["reason"]?.string == "stands for masked patches in pre-training")
        #expect(json["duplicates"]?.array == [])
    }

    @Test func theErrorCarriesTheReport() throws {
        let error = MappingError.incomplete(path: "model", scheme: "timm", try report())
        #expect(
            "\(error)".hasPrefix(
                "the tensors under 'model' (scheme timm) do not make up the model's parameters:\nmissing (5):"
            ))
    }
}
