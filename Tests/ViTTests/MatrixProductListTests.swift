import Testing

@testable import ViT

/// The operations of a forward pass, as torch.utils.flop_counter counts them in timm's models without fused
/// attention.
@Suite struct MatrixProductListTests {
    static func count(_ configuration: ViTConfiguration, batch: Int) -> Int {
        Int(configuration.matrixProducts(batch: batch).reduce(0) { $0 + $1.operationCount })
    }

    /// vit_base_patch16_224 with global_pool='avg'
    static var base: ViTConfiguration {
        get throws {
            var configuration = try #require(ViTVariant.named("vit_base_patch16_224")).configuration
            configuration.pooling = .average
            return configuration
        }
    }

    @Test(arguments: [(1, 35_127_656_448), (3, 105_382_969_344)])
    func allTokensThroughAllBlocks(_ batch: Int, _ operations: Int) throws {
        #expect(Self.count(try Self.base, batch: batch) == operations)
    }

    /// vit_giant_patch14_dinov2 with img_size=56, depth=2, num_classes=7, global_pool='avg'
    @Test(arguments: [(1, 1_957_659_648), (3, 5_872_978_944)])
    func gatedMLPs(_ batch: Int, _ operations: Int) throws {
        var configuration = try Self.base
        configuration.imageSize = .init(56)
        configuration.patchSize = .init(14)
        (configuration.width, configuration.depth, configuration.heads) = (1536, 2, 24)
        (configuration.hidden, configuration.mlp, configuration.classes) = (4096, .swiGLUPacked, 7)
        #expect(Self.count(configuration, batch: batch) == operations)
    }

    /// 196 tokens of the last block need no query, no attention, no projection and no MLP.
    @Test(arguments: [1, 3])
    func theClassTokenGoesAloneThroughTheLastBlock(_ batch: Int) throws {
        var configuration = try Self.base
        let all = Self.count(configuration, batch: batch)
        configuration.pooling = .token
        let saved = 196 * (2 * 768 * 768 + 4 * 197 * 768 + 2 * 768 * 768 + 4 * 768 * 3072)
        #expect(Self.count(configuration, batch: batch) == all - batch * saved)
    }
}
