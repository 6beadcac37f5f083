import Checkpoints
import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// Tensors under a model's names, of shapes that no model has: the model is told as none, without a trap on the way.
@Suite struct OddShapesTests {
    /// Some have no elements, some one element seen everywhere: a file of a few bytes may claim any of these.
    static let shapes: [[Int]] = [
        [], [0], [1], [1 << 40, 0], [0, 1 << 40], [1 << 20, 0, 1 << 20], [1 << 23], [1 << 12, 1 << 11],
        [1, 1, 1 << 22, 1],
        [3, 5, 7], [1 << 4, 1 << 4, 1 << 4, 1 << 4, 1 << 4],
    ]
    static let models = [
        "models/deit_distilled.pth", "models/attention_pool.pth",
        "schemes/torch/hf_clip_vision/model.safetensors",
        "schemes/torch/hf_dinov2_swiglu/model.safetensors", "schemes/jax/big_vision_map.npz",
        "schemes/keras/vit_keras.h5",
    ]

    private static func odd(_ shape: [Int]) throws -> TensorView {
        try TensorView(
            storage: .bytes(ByteRegion([0, 0, 128, 63]), .little), dtype: .f32, shape: try Shape(shape),
            strides: [Int](repeating: 0, count: shape.count))
    }

    private static func prepare(
        _ tensors: [NamedTensor], _ checkpoint: Checkpoint, heads: [Int?] = [3]
    ) {
        var contents = CheckpointContents()
        contents.tensors = tensors
        let changed = Checkpoint(contents, path: "odd", container: checkpoint.container, files: [])
        for heads in heads {
            var options = ModelOptions()
            options.heads = heads
            _ = try? PreparedModel(changed, options: options)
        }
    }

    @Test(arguments: models)
    func oneTensorOfAnOddShape(_ model: String) throws {
        let checkpoint = try Checkpoint(path: Fixtures.path(model))
        // What stands first, and of the blocks one.
        let places = checkpoint.tensors.indices.filter { !checkpoint.tensors[$0].name.contains("1") }.prefix(
            40)
        for place in places {
            for shape in [[], [1 << 40, 0], [1 << 12, 1 << 11], [3, 5, 7]] {
                var tensors = checkpoint.tensors
                tensors[place] = NamedTensor(tensors[place].name, try Self.odd(shape))
                Self.prepare(tensors, checkpoint)
            }
        }
    }

    @Test(arguments: models)
    func allTensorsOfAnOddShape(_ model: String) throws {
        let checkpoint = try Checkpoint(path: Fixtures.path(model))
        for shape in Self.shapes {
            let view = try Self.odd(shape)
            Self.prepare(
                checkpoint.tensors.map { NamedTensor($0.name, view) }, checkpoint, heads: [nil, 3, 1 << 24])
            // Of the same rank, each axis of one length.
            for length in [0, 1, 1 << 5] {
                let tensors = try checkpoint.tensors.map {
                    let shape = [Int](repeating: length, count: $0.view.shape.rank)
                    return NamedTensor($0.name, try Self.odd(shape))
                }
                Self.prepare(tensors, checkpoint)
            }
        }
    }

    @Test(arguments: models)
    func everyTensorMissingOrTwice(_ model: String) throws {
        let checkpoint = try Checkpoint(path: Fixtures.path(model))
        for place in checkpoint.tensors.indices {
            var tensors = checkpoint.tensors
            Self.prepare(tensors + [tensors[place]], checkpoint)
            tensors.remove(at: place)
            Self.prepare(tensors, checkpoint)
        }
    }
}
