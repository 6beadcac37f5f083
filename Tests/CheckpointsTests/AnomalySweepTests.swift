import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// The smallest files of each container, cut at every length and changed at every byte: each is read or refused.
///
/// A trap would end this process. Of HDF5 files, which a child process reads at the cost of its start, fewer
/// changes are tried.
@Suite struct AnomalySweepTests {
    static let small =
        Fixtures.list("sweep").filter { !$0.hasSuffix(".h5") && !$0.hasSuffix(".json") } + [
            "torch/storage_views_legacy.pth", "torch/python2_legacy.pth", "torch/aliasing_legacy.pth",
            "torch/meta_legacy.pth", "torch/device_from_numpy_legacy.pth", "torch/hostile_legacy.pth",
            "numpy/version_1.npy", "numpy/version_2.npy", "numpy/python2.npy", "numpy/big_endian_fortran.npy",
            "numpy/compressed.npz", "numpy/bfloat16.npz", "safetensors/shapes.safetensors",
            "safetensors/white_space.safetensors", "safetensors/four_bits.safetensors",
            "msgpack/plain.msgpack",
            "msgpack/values.msgpack", "msgpack/chunked.msgpack", "msgpack/old_strings.msgpack",
            "refused/documents.zip.pth", "refused/bare_pickle.pth",
        ]
    /// Of larger ones, the bytes that are not zero are changed: the rest is padding.
    static let sparse = ["torch/old_tar.pth.tar"]

    /// Opens the bytes as a file of this name and reads every tensor.
    private static func read(_ bytes: [UInt8], _ name: String) throws {
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint(bytes: ByteRegion(bytes), named: name)
        } catch {
            #expect(!error.description.isEmpty)
            return
        }
        for tensor in checkpoint.tensors {
            guard let bytes = try? tensor.view.bytes() else { continue }
            #expect(bytes.count == tensor.view.byteCount)
        }
    }

    /// The smallest and largest values with and without a sign, and all bits turned; each bit by itself as well where
    /// the file is small.
    private static func changes(_ byte: UInt8, of count: Int) -> Set<UInt8> {
        let bits = count <= 512 ? 0..<8 : 0..<0
        return Set([0x00, 0x7F, 0x80, 0xFF, ~byte] + bits.map { byte ^ 1 << $0 }).subtracting([byte])
    }

    @Test(arguments: small + sparse)
    func everyChangeIsReadOrRefused(_ name: String) throws {
        let bytes = try Fixtures.bytes(name)
        let isSparse = Self.sparse.contains(name)
        Parallel.forEach(bytes.count) { place in
            var changed = bytes
            for value in isSparse && bytes[place] == 0 ? [] : Self.changes(bytes[place], of: bytes.count) {
                changed[place] = value
                try? Self.read(changed, name)
            }
        }
    }

    @Test(arguments: small + sparse)
    func everyCutIsReadOrRefused(_ name: String) throws {
        let bytes = try Fixtures.bytes(name)
        Parallel.forEach(bytes.count) { try? Self.read(Array(bytes.prefix($0)), name) }
    }

    // MARK: HDF5

    /// Every sixteenth cut, and three changes of each byte that is not zero, in each of the two generations of the format.
    @Test(arguments: ["sweep/old.h5", "sweep/new.h5"])
    func everyChangeOfAnHDF5FileIsReadOrRefused(_ name: String) throws {
        let bytes = try Fixtures.bytes(name)
        let places = bytes.indices.filter { bytes[$0] != 0 }
        Parallel.forEach(places.count) { index in
            let place = places[index]
            var changed = bytes
            for value in Set([0x00, 0xFF, bytes[place] ^ 1]).subtracting([bytes[place]]) {
                changed[place] = value
                try? Self.read(changed, name)
            }
        }
        Parallel.forEach(bytes.count / 16) { try? Self.read(Array(bytes.prefix(16 * $0)), name) }
    }

    // MARK: Indices

    @Test func everyChangeOfAnIndexIsReadOrRefused() throws {
        let folder = try TemporaryFolder()
        for name in ["shard-0.safetensors", "shard-1.safetensors"] {
            _ = try folder.file(name, try Fixtures.bytes("sweep/" + name))
        }
        let index = try Fixtures.bytes("sweep/shards.safetensors.index.json")
        func open(_ bytes: [UInt8]) throws {
            let path = try folder.file("shards.safetensors.index.json", bytes)
            if let checkpoint = try? Checkpoint(path: path) {
                for tensor in checkpoint.tensors { _ = try tensor.view.bytes() }
            }
        }
        for place in index.indices {
            try open(Array(index.prefix(place)))
            var changed = index
            for value in Self.changes(index[place], of: index.count) {
                changed[place] = value
                try open(changed)
            }
        }
    }
}
