import TensorCore
import Testing

@testable import WeightMapping

/// The image towers of CLIP and SigLIP, where they end otherwise than the fixtures' do.
struct TowerTests {
    private func names(_ tensors: [(String, [Int])]) throws -> Set<String> {
        let tensors = try tensors.map { NamedTensor($0.0, try Samples.counting($0.1, from: 0)) }
        return Set(try Mapper.map(tensors).tensors.map(\.name))
    }

    private static let openCLIP: [(String, [Int])] = [
        ("visual.class_embedding", [8]), ("visual.conv1.weight", [8, 3, 4, 4]),
        ("visual.transformer.resblocks.0.attn.in_proj_weight", [24, 8]), ("visual.ln_post.weight", [8]),
    ]

    /// CLIPA takes the mean of the patches first and has no norm before the blocks.
    @Test func theLastNormStandsWhereOpenCLIPHasIt() throws {
        let averaged = try names(Self.openCLIP)
        #expect(averaged.contains("fc_norm.weight") && !averaged.contains("norm.weight"))
        let usual = try names(Self.openCLIP + [("visual.ln_pre.weight", [8])])
        #expect(usual.contains("norm.weight") && !usual.contains("fc_norm.weight"))
    }

    private static func tower(_ others: [(String, [Int])]) -> [(String, [Int])] {
        [
            ("vision_model.embeddings.patch_embedding.weight", [8, 3, 4, 4]),
            ("vision_model.encoder.layers.0.self_attn.q_proj.weight", [8, 8]),
            ("classifier.weight", [5, 8]), ("classifier.bias", [5]),
        ] + others
    }

    /// transformers' SiglipForImageClassification classifies the mean of the patches.
    @Test func aClassifierOfSigLIPMakesNoUseOfItsPooling() throws {
        let names = try names(
            Self.tower([
                ("vision_model.head.probe", [1, 1, 8]), ("vision_model.head.mlp.fc1.weight", [16, 8]),
            ]))
        #expect(names.isSuperset(of: ["head.weight", "head.bias"]))
        #expect(!names.contains { $0.hasPrefix("attn_pool") })
    }

    /// That of CLIP leaves the last norm out.
    @Test func aClassifierOfCLIPIsRefused() throws {
        #expect(throws: MappingError.self) {
            try names(
                Self.tower([
                    ("vision_model.embeddings.class_embedding", [8]),
                    ("vision_model.pre_layrnorm.weight", [8]),
                ]))
        }
    }
}
