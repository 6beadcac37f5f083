import TensorCore
import Testing

@testable import Layers
@testable import ViT

/// Models small enough for a debug build, with weights at which every part is felt.
enum SmallModel {
    static let configuration = {
        var c = ViTConfiguration()
        (c.imageSize, c.patchSize) = (.init(height: 16, width: 24), .init(8))
        (c.width, c.depth, c.heads, c.hidden, c.classes) = (24, 2, 3, 40, 7)
        return c
    }()

    static func parameters(_ configuration: ViTConfiguration, seed: UInt64 = 11) throws -> [String:
        TensorView]
    {
        var parameters: [String: TensorView] = [:]
        for parameter in configuration.parameters {
            var (source, normal) = (RandomSource(seed: seed, stream: parameter.name), NormalDistribution())
            let isNorm = parameter.shape.rank == 1 && parameter.name.hasSuffix(".weight")
            let deviation = parameter.shape.rank > 1 ? 0.25 : 0.3
            let values = (0..<parameter.shape.elementCount).map { _ in
                Float((isNorm ? 1 : 0) + deviation * normal.draw(from: &source))
            }
            parameters[parameter.name] = try view(FloatTensor(shape: parameter.shape, values: values))
        }
        return parameters
    }

    static func make(_ configuration: ViTConfiguration = configuration) throws -> VisionTransformer {
        try VisionTransformer(configuration: configuration, parameters: try parameters(configuration))
    }

    static func images(_ count: Int, _ configuration: ViTConfiguration = configuration) throws -> FloatTensor
    {
        var (source, normal) = (RandomSource(seed: 12), NormalDistribution())
        let shape = try Shape([
            count, configuration.channels, configuration.imageSize.height, configuration.imageSize.width,
        ])
        return try FloatTensor(
            shape: shape, values: (0..<shape.elementCount).map { _ in Float(normal.draw(from: &source)) })
    }

    /// Every form of the model: a change to the configuration each.
    static let forms: [@Sendable (inout ViTConfiguration) -> Void] = [
        { _ in }, { $0.distilled = true }, { $0.preLogits = 9 }, { $0.classes = 0 },
        { ($0.distilled, $0.classes) = (true, 0) }, { ($0.layerScale, $0.registers) = (true, 2) },
        { ($0.pooling, $0.norm, $0.fcNorm) = (.average, false, true) },
        { ($0.pooling, $0.poolHidden, $0.poolPositions) = (.attention, 16, true) },
        { ($0.preNorm, $0.patchNorm, $0.qkNorm, $0.mlpNorm) = (true, true, true, true) },
        { ($0.mlp, $0.positions) = (.swiGLU, .patches) },
        { ($0.mlp, $0.registers, $0.positions, $0.gelu) = (.swiGLUPacked, 2, .classAndPatches, .quick) },
    ]
}

@Suite struct VisionTransformerTests {
    @Test func sizeMismatchNamesBothSizes() throws {
        let model = try SmallModel.make()
        let error = #expect(throws: ViTError.self) {
            try model.forward(FloatTensor(zeros: Shape([1, 3, 24, 16])))
        }
        #expect(
            error == .imageSize(expected: .init(height: 16, width: 24), found: .init(height: 24, width: 16)))
        #expect(error?.description.contains("24×16") == true && error?.description.contains("16×24") == true)
        #expect(throws: ViTError.channels(expected: 3, found: 1)) {
            try model.forward(FloatTensor(zeros: Shape([1, 1, 16, 24])))
        }
        #expect(throws: ViTError.self) { try model.forward(FloatTensor(zeros: Shape([3, 16, 24]))) }
        #expect(throws: ViTError.self) {
            try model.forwardFeatures(FloatTensor(zeros: Shape([0, 3, 16, 24])))
        }
    }

    @Test func everyProblemWithTheParametersIsListed() throws {
        var parameters = try SmallModel.parameters(SmallModel.configuration)
        parameters["blocks.1.norm2.bias"] = nil
        parameters["head.weight"] = try view(FloatTensor(zeros: Shape([7, 25])))
        parameters["blocks.2.norm1.weight"] = parameters["norm.weight"]
        let error = #expect(throws: ParameterError.self) {
            try VisionTransformer(configuration: SmallModel.configuration, parameters: parameters)
        }
        #expect(
            error?.problems == [
                .missing(name: "blocks.1.norm2.bias", shape: try Shape([24])),
                .shape(name: "head.weight", expected: try Shape([7, 24]), found: try Shape([7, 25])),
                .unexpected(name: "blocks.2.norm1.weight"),
            ])
    }

    @Test func plainParametersAreBorrowedAndOthersWidened() throws {
        let whole = try view(FloatTensor(shape: Shape([2, 3]), values: [1, 2, 3, 4, 5, 6]))
        #expect(try Parameter(whole).isBorrowed)
        let transposed = try Parameter(whole.permuted([1, 0]))
        #expect(!transposed.isBorrowed)
        #expect(Array(UnsafeBufferPointer(start: transposed.values, count: 6)) == [1, 4, 2, 5, 3, 6])
        for dtype in [DType.f16, .bf16, .f64] {
            let narrow = try TensorView(
                storage: .bytes(whole.converted(to: dtype).bytes(), .little), dtype: dtype, shape: whole.shape
            )
            let parameter = try Parameter(narrow)
            #expect(!parameter.isBorrowed)
            #expect(Array(UnsafeBufferPointer(start: parameter.values, count: 6)) == [1, 2, 3, 4, 5, 6])
        }
        // One byte off: no place for floats.
        let shifted = try ByteRegion([0] + whole.bytes().array()).slice(1, 24)
        let copied = try Parameter(
            TensorView(storage: .bytes(shifted, .little), dtype: .f32, shape: whole.shape))
        #expect(!copied.isBorrowed)
        #expect(Array(UnsafeBufferPointer(start: copied.values, count: 6)) == [1, 2, 3, 4, 5, 6])
    }

    @Test(arguments: SmallModel.forms)
    func shapesAndFeatures(_ change: @Sendable (inout ViTConfiguration) -> Void) throws {
        var configuration = SmallModel.configuration
        change(&configuration)
        let model = try SmallModel.make(configuration)
        let images = try SmallModel.images(2)
        let logits = try model.forward(images)
        let features = try model.forwardFeatures(images)
        #expect(logits.shape.dimensions == [2, configuration.classes == 0 ? 24 : 7])
        #expect(
            features.shape.dimensions
                == (configuration.distilled ? [2, 2, 24] : [2, configuration.preLogits ?? 24]))
        #expect(logits.values.allSatisfy { $0.isFinite && $0 != 0 })
        #expect(Set(logits.values).count == logits.values.count)
        if configuration.classes == 0, !configuration.distilled { #expect(logits == features) }
    }

    /// Images do not see one another, whether they pass in one group or in several.
    @Test(arguments: [1, 3, 300])
    func batchIsItsImages(_ count: Int) throws {
        let model = try SmallModel.make()
        let images = try SmallModel.images(count)
        let together = try model.forward(images)
        #expect(together.shape.dimensions == [count, 7])
        let pixels = images.values.count / count
        for index in [0, count / 2, count - 1] {
            let image = try FloatTensor(
                shape: Shape([1, 3, 16, 24]),
                values: Array(images.values[index * pixels..<(index + 1) * pixels]))
            let alone = try model.forward(image)
            #expect(largestError(Array(together.values[index * 7..<(index + 1) * 7]), alone.values) < 2e-6)
        }
    }

    @Test func severalThreadsMayUseOneModel() async throws {
        let model = try SmallModel.make()
        let images = try SmallModel.images(2)
        let expected = try model.forward(images)
        let results = try await withThrowingTaskGroup(of: FloatTensor.self) { group in
            for _ in 0..<8 { group.addTask { try model.forward(images) } }
            var results: [FloatTensor] = []
            for try await result in group { results.append(result) }
            return results
        }
        for result in results { #expect(largestError(result.values, expected.values) < 2e-6) }
    }
}

extension ComputationTests {
    /// The same bits for any number of threads, with every provider, in every form.
    @Test(arguments: providers)
    func threadsDoNotChangeResults(_ provider: MatrixProduct.Provider) throws {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        try Self.with(provider) {
            for change in SmallModel.forms {
                var configuration = SmallModel.configuration
                change(&configuration)
                // Wide enough that products are cut into several tiles.
                (configuration.hidden, configuration.poolHidden) = (800, 400)
                let model = try SmallModel.make(configuration)
                let images = try SmallModel.images(3)
                Parallel.threadCount = 1
                let alone = try model.forward(images)
                for count in [2, 5] {
                    Parallel.threadCount = count
                    #expect(try model.forward(images) == alone)
                }
            }
        }
    }

    /// What is looked at does not change.
    @Test(arguments: providers)
    func traceDoesNotChangeResults(_ provider: MatrixProduct.Provider) throws {
        try Self.with(provider) {
            for change in SmallModel.forms {
                var configuration = SmallModel.configuration
                change(&configuration)
                let model = try SmallModel.make(configuration)
                let images = try SmallModel.images(2)
                let plain = try model.forward(images)
                var trace = ActivationTrace { _ in true }
                #expect(try model.forward(images, trace: &trace) == plain)
                #expect(trace["logits"] == plain)
                #expect(Set(trace.activations.map(\.name)).count == trace.activations.count)
            }
        }
    }

    @Test func providersAgree() throws {
        let model = try SmallModel.make()
        let images = try SmallModel.images(2)
        let results = try Self.providers.map { try Self.with($0) { try model.forward(images) } }
        for result in results { #expect(largestError(result.values, results[0].values) < 2e-6) }
    }
}

@Suite struct ActivationTraceTests {
    /// timm's module names, in the order in which timm's modules put them out.
    @Test func namesAndOrder() throws {
        var configuration = SmallModel.configuration
        (configuration.layerScale, configuration.preLogits, configuration.preNorm) = (true, 9, true)
        let model = try SmallModel.make(configuration)
        var trace = ActivationTrace()
        _ = try model.forward(SmallModel.images(2), trace: &trace)
        let block = [
            "norm1", "attn.qkv", "attn.proj", "attn", "ls1", "norm2", "mlp.fc1", "mlp.act", "mlp.fc2", "mlp",
            "ls2",
        ]
        let expected =
            ["patch_embed", "pos_drop", "norm_pre"]
            + (0..<2).flatMap { index in block.map { "blocks.\(index).\($0)" } + ["blocks.\(index)"] }
            + ["norm", "pre_logits.fc", "pre_logits.act", "pre_logits", "head", "logits"]
        #expect(trace.activations.map(\.name) == expected)
        let shapes = Dictionary(
            uniqueKeysWithValues: trace.activations.map { ($0.name, $0.tensor.shape.dimensions) })
        #expect(shapes["patch_embed"] == [2, 6, 24] && shapes["pos_drop"] == [2, 7, 24])
        #expect(shapes["blocks.1.attn.qkv"] == [2, 7, 72] && shapes["blocks.0.mlp.act"] == [2, 7, 40])
        #expect(shapes["pre_logits"] == [2, 9] && shapes["logits"] == [2, 7])
    }

    @Test func onlyWhatIsWantedIsKept() throws {
        let model = try SmallModel.make()
        var trace = ActivationTrace(names: ["blocks.1.attn.attn_drop", "blocks.0", "nothing"])
        _ = try model.forward(SmallModel.images(2), trace: &trace)
        #expect(trace.activations.map(\.name) == ["blocks.0", "blocks.1.attn.attn_drop"])
        let weights = try #require(trace["blocks.1.attn.attn_drop"])
        #expect(weights.shape.dimensions == [2, 3, 7, 7])
        for row in stride(from: 0, to: weights.values.count, by: 7) {
            #expect(abs(weights.values[row..<row + 7].reduce(0, +) - 1) < 1e-5)
        }
        #expect(Set(weights.values).count > 250)
        #expect(trace["nothing"] == nil)
    }

    @Test func residualStreamIsTheSumOfItsBranches() throws {
        var configuration = SmallModel.configuration
        configuration.layerScale = true
        var trace = ActivationTrace()
        _ = try SmallModel.make(configuration).forwardFeatures(SmallModel.images(1), trace: &trace)
        let parts = try ["pos_drop", "blocks.0.ls1", "blocks.0.ls2"].map { try #require(trace[$0]).values }
        let sum = zip(parts[0], zip(parts[1], parts[2])).map { $0 + $1.0 + $1.1 }
        #expect(largestError(sum, try #require(trace["blocks.0"]).values) < 1e-6)
        #expect(trace["logits"] == nil)
    }
}
