import TensorCore
import TestSupport

@testable import Checkpoints

/// What the writers are tried with.
enum WriterSamples {
    /// Fixtures of every type and layout.
    static let fixtures = [
        "torch/dtypes.pth", "torch/views.pth", "torch/plain_legacy.pth", "torch/deflated.pth",
        "torch/big_endian.pth", "torch/empty_dict.pth", "torch/root_tensor.pth", "numpy/dtypes.npz",
        "numpy/layouts.npz", "safetensors/dtypes.safetensors", "msgpack/dtypes.msgpack",
        "msgpack/shapes.msgpack", "msgpack/chunked.msgpack",
    ]

    /// Bytes that compress and bytes that do not, longer than what is deflated at once.
    static func large() throws -> [NamedTensor] {
        var state: UInt64 = 7
        var noise = [UInt8](repeating: 0, count: 5 << 20)
        for index in noise.indices {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            noise[index] = UInt8(truncatingIfNeeded: state >> 56)
        }
        // Repeats at a distance that only reaches into the block before.
        let pattern = noise.prefix(20_000)
        let repeated = (0..<300).flatMap { _ in pattern }
        return [
            NamedTensor("noise", try row(noise, .u8)), NamedTensor("repeated", try row(repeated, .f32)),
            NamedTensor("edge", try row(Array(noise.prefix(512 << 10)), .u8)),
            NamedTensor("beyond", try row(Array(noise.prefix((512 << 10) + 1)), .u8)),
            NamedTensor("größe/\u{1F600} a\"b'\n", try row([1, 2, 3, 4], .f32)),
        ]
    }

    static func row(_ bytes: [UInt8], _ dtype: DType) throws -> TensorView {
        try TensorView(
            storage: .bytes(ByteRegion(bytes), .little), dtype: dtype,
            shape: Shape([bytes.count / dtype.itemSize]))
    }

    /// Writes with `write` and opens what came of it.
    static func written(
        _ folder: TemporaryFolder, _ name: String, _ write: (AtomicFile) throws -> Void
    ) throws -> Checkpoint {
        let file = try AtomicFile(replacing: folder.path + name)
        try write(file)
        try file.commit()
        return try Checkpoint(path: folder.path + name)
    }

    static func bytes(_ checkpoint: Checkpoint) throws -> [UInt8] {
        try ByteRegion(try OpenFile(path: checkpoint.path)).array()
    }

    /// The checksums in the archive's directory against those of the members.
    static func hasRightChecksums(_ checkpoint: Checkpoint) throws -> Bool {
        let archive = try ZipArchive(ByteRegion(try OpenFile(path: checkpoint.path)))
        return try archive.entries.allSatisfy { entry in
            let bytes = try archive.contents(of: entry, limit: 1 << 30).array()
            return bytes.withUnsafeBytes { CRC32.value(of: $0) } == entry.crc32
        }
    }
}
