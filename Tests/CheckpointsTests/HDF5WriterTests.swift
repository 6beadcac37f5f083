import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// What is written reads back bit for bit, and bears the attributes that Keras looks for.
@Suite struct HDF5WriterTests {
    static func written(_ tensors: [NamedTensor], _ layout: HDF5Writer.Layout) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let file = try AtomicFile(replacing: folder.path + "x.h5")
        try HDF5Writer.write(tensors, layout: layout, to: file)
        try file.commit()
        #expect(folder.names == ["x.h5"])
        return try ByteRegion(try OpenFile(path: folder.path + "x.h5")).array()
    }

    static func tensor(_ name: String, _ dtype: DType = .f32, _ shape: [Int] = [2, 3]) throws -> NamedTensor {
        let count = try Shape(shape).elementCount * dtype.itemSize
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) & (dtype == .bool ? 1 : 0xFF) }
        return NamedTensor(
            name,
            try TensorView(storage: .bytes(ByteRegion(bytes), .little), dtype: dtype, shape: Shape(shape)))
    }

    @Test(arguments: [
        "hdf5/dtypes.h5", "hdf5/big_endian.h5", "hdf5/layouts.h5", "hdf5/superblock_3.h5", "hdf5/keras_2.h5",
        "numpy/stored.npz", "safetensors/plain.safetensors", "torch/views.pth",
    ])
    func readsBackBitForBit(_ fixture: String) throws {
        let source = try Checkpoint(path: Fixtures.path(fixture))
        let tensors = source.tensors.filter { !$0.view.dtype.isComplex || $0.view.dtype.itemSize > 4 }
        let bytes = try Self.written(tensors, .plain)
        #expect(try bytes == Self.written(tensors, .plain), "the same tensors give the same bytes")
        let back = try Checkpoint(bytes: ByteRegion(bytes), named: "x.h5")
        #expect(back.others.isEmpty)
        let order = { (row: Golden.Row) in row.name }
        let rows = try Golden.rows(of: back).sorted { order($0) < order($1) }
        let expected = try Golden(fixture).tensors.filter { $0.dtype != "C32" }.sorted {
            order($0) < order($1)
        }
        #expect(rows == expected)
        #expect(back.tensors.allSatisfy { $0.view.plainRegion != nil })
    }

    @Test func typesAreWrittenAsH5pyWritesThem() throws {
        let tensors = try [DType.bf16, .f16, .bool, .c64, .c128, .u64].map {
            try Self.tensor($0.rawValue, $0, [3, 5])
        }
        let back = try Checkpoint(bytes: ByteRegion(try Self.written(tensors, .plain)), named: "x.h5")
        for tensor in tensors {
            let view = try #require(back.tensor(tensor.name))
            #expect(view.dtype == tensor.view.dtype)
            #expect(try view.bytes().array() == tensor.view.bytes().array())
        }
    }

    @Test func manyTensorsAndGroupsAreWritten() throws {
        let tensors = try (0..<600).map {
            try Self.tensor("layers/block_\($0)/inner/vars/0", .f32, [$0 % 7, 11])
        }
        let names = Dictionary(
            uniqueKeysWithValues: (0..<600).map { ("layers/block_\($0)/inner", "name \($0)") })
        let bytes = try Self.written(tensors, .keras3(layerNames: names))
        #expect(try bytes == Self.written(tensors, .keras3(layerNames: names)))
        let back = try Checkpoint(bytes: ByteRegion(bytes), named: "x.h5")
        #expect(Set(back.tensors.map(\.name)) == Set(tensors.map(\.name)))
        #expect(back.layerNames["layers/block_77/inner/vars/0"] == "name 77/0")
        for tensor in tensors {
            #expect(try back.tensor(tensor.name)?.bytes().array() == tensor.view.bytes().array())
        }
    }

    @Test func legacyKeepsTheOrderOfLayersAndWeights() throws {
        let names = ["z/kernel", "z/bias", "a/b/kernel", "m/x", "top_level_model_weights/cls"]
        let bytes = try Self.written(
            try names.map { try Self.tensor($0) }, .legacy(backend: "jax", kerasVersion: "3.15.1"))
        let back = try Checkpoint(bytes: ByteRegion(bytes), named: "x.h5")
        #expect(back.tensors.map(\.name) == names)
        #expect(back.metadata.map(\.value) == ["3.15.1", "jax"])
    }

    @Test func longListsAreSplitAsKerasSplitsThem() throws {
        let long = String(repeating: "w", count: 300)
        let names = (0..<500).reversed().map { "layer/\(long)\($0)" }
        let tensors = try names.map { try Self.tensor($0, .u8, [1]) }
        let lists = KerasAttributes.lists(of: names, .legacy(backend: "", kerasVersion: ""))
        #expect(lists.map(\.name) == ["layer_names", "weight_names0", "weight_names1", "weight_names2"])
        #expect(lists.dropFirst().map(\.texts.count) == [167, 167, 166])
        let bytes = try Self.written(tensors, .legacy(backend: "jax", kerasVersion: "3.15.1"))
        let back = try Checkpoint(bytes: ByteRegion(bytes), named: "x.h5")
        #expect(back.tensors.map(\.name) == names)
    }

    @Test(arguments: [
        (["a//b"], "no part that is empty"), (["/a"], "no part that is empty"), (["a/."], "no part"),
        (["a", "a"], "two tensors of one name"), (["a", "a/b"], "a tensor and a group"),
    ])
    func impossiblePathsAreRefused(_ names: [String], _ phrase: String) throws {
        let tensors = try names.map { try Self.tensor($0) }
        let error = #expect(throws: CheckpointError.self) { try Self.written(tensors, .plain) }
        #expect(error?.detail.contains(phrase) == true)
    }

    @Test func whatTheFormatLacksIsRefused() throws {
        let odd = [try Self.tensor("odd", .f8e4m3)]
        let type = #expect(throws: CheckpointError.self) { try Self.written(odd, .plain) }
        #expect(type?.part == "odd")
        let half = #expect(throws: CheckpointError.self) {
            try Self.written(
                [try Self.tensor("a/b", .bf16)], .legacy(backend: "jax", kerasVersion: "3.15.1"))
        }
        #expect(half?.detail.contains("cannot load bfloat16") == true)
        let flat = [try Self.tensor("flat")]
        let path = #expect(throws: CheckpointError.self) {
            try Self.written(flat, .legacy(backend: "jax", kerasVersion: "3"))
        }
        #expect(path?.detail.contains("LAYER/WEIGHT") == true)
    }

    @Test func aFailedWriteIsToldAsSuch() throws {
        let folder = try TemporaryFolder()
        let file = try AtomicFile(replacing: folder.path + "x.h5")
        try file.write([1])
        #expect(throws: CheckpointError.self) { try HDF5Writer.write([], layout: .plain, to: file) }
        #expect(folder.names.isEmpty)
    }

    // MARK: Other readers

    static let digests = """
        import sys, hashlib, h5py
        with h5py.File(sys.argv[1], "r") as file:
            def row(name, item):
                if isinstance(item, h5py.Dataset):
                    print(name, list(item.shape), hashlib.sha256(item[()].tobytes()).hexdigest())
            file.visititems(row)
        """

    @Test(.enabled(if: Python.has("h5py"), "h5py is not installed"))
    func h5pyReadsWhatIsWritten() throws {
        let folder = try TemporaryFolder()
        let tensors = try Checkpoint(path: Fixtures.path("hdf5/dtypes.h5")).tensors
        let path = try folder.file("x.h5", try Self.written(tensors, .plain))
        let (status, output) = try Python.run(Self.digests, [path])
        #expect(status == 0, "\(output)")
        let expected = try tensors.map { "\($0.name) \($0.view.shape) \(try Digest.sha256($0.view))\n" }
        #expect(output == expected.joined())
    }

    /// The models that `Fixtures/generator/hdf5_files.py` saves, loaded by Keras's own functions from our files.
    static let kerasModel = """
        import os, sys, hashlib
        os.environ.setdefault("KERAS_BACKEND", "torch")
        import h5py, keras
        from keras.src.legacy.saving import legacy_h5_format as legacy
        inputs = keras.Input((6,), name="input")
        block = keras.Sequential([keras.layers.Dense(4, name="fc1"), keras.layers.LayerNormalization(name="norm")],
                                 name="block")
        half = keras.layers.Dense(3, dtype=sys.argv[2], name="half")
        model = keras.Model(inputs, keras.layers.Dense(2, name="a_head")(half(block(inputs))), name="small")
        if sys.argv[1].endswith(".weights.h5"):
            model.load_weights(sys.argv[1])
        else:
            with h5py.File(sys.argv[1]) as file:
                legacy.load_weights_from_hdf5_group(file, model)
        for weight in model.weights:
            value = keras.ops.convert_to_numpy(weight)
            print(hashlib.sha256(value.tobytes()).hexdigest())
        """

    static let hasKeras = Python.has(
        "os; os.environ.setdefault('KERAS_BACKEND', 'torch'); import h5py, torch, keras")

    @Test(.enabled(if: hasKeras, "Keras with PyTorch is not installed"))
    func kerasLoadsWhatIsWritten() throws {
        let folder = try TemporaryFolder()
        let tensors = try Checkpoint(path: Fixtures.path("hdf5/keras_3.weights.h5")).tensors
        // The model's order is not that of the file: block/fc1, block/norm, half, a_head.
        let ordered = Array(tensors[4...] + tensors[..<4])
        let path = try folder.file("x.weights.h5", try Self.written(tensors, .keras3()))
        let (status, output) = try Python.run(Self.kerasModel, [path, "bfloat16"])
        #expect(status == 0, "\(output)")
        let digests = try ordered.map { try Digest.sha256($0.view) + "\n" }
        #expect(output.hasSuffix(digests.joined()), "\(output)")

        let names = [
            "block/fc1/k", "block/fc1/b", "block/norm/g", "block/norm/b", "half/k", "half/b", "a_head/k",
            "a_head/b",
        ]
        let floats = try zip(names, ordered).map { NamedTensor($0, try $1.view.converted(to: .f32)) }
        let legacy = try folder.file(
            "x.h5", try Self.written(floats, .legacy(backend: "torch", kerasVersion: "3.15.1")))
        let (legacyStatus, legacyOutput) = try Python.run(Self.kerasModel, [legacy, "float32"])
        #expect(legacyStatus == 0, "\(legacyOutput)")
        let floatDigests = try floats.map { try Digest.sha256($0.view) + "\n" }
        #expect(legacyOutput.hasSuffix(floatDigests.joined()), "\(legacyOutput)")
    }
}
