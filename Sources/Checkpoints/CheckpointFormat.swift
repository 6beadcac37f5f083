import TensorCore

/// A file about to be recognised: its bytes, and what several formats want to know of them.
struct Probe {
    let region: ByteRegion
    /// The first bytes, at most 1024.
    let head: [UInt8]

    init(_ region: ByteRegion) throws {
        self.region = region
        head = try region.slice(0, min(region.count, 1024)).array()
    }

    func starts(with bytes: [UInt8], at offset: Int = 0) -> Bool {
        head.dropFirst(offset).starts(with: bytes)
    }

    func starts(with text: String, at offset: Int = 0) -> Bool {
        starts(with: Array(text.utf8), at: offset)
    }
}

/// One row per family of containers: how its bytes look, and who reads them.
struct CheckpointFormat: Sendable {
    let matches: @Sendable (Probe) throws -> Bool
    let read: @Sendable (Probe) throws -> (Container, CheckpointContents)

    /// Every container that is read, in the order in which they are tried: HDF5's signature is looked for all over the
    /// file, which takes a server one request after another, and others have theirs at the beginning.
    static let all: [CheckpointFormat] = [zip, torchLegacy, npy, safetensors, hdf5, torchTar, messagePack]

    private static let zip = CheckpointFormat(
        matches: { $0.starts(with: "PK\u{3}\u{4}") || $0.starts(with: "PK\u{5}\u{6}") },
        read: { probe in
            let archive = try ZipArchive(probe.region)
            if let root = TorchZip.root(of: archive) {
                let isScript = TorchZip.isTorchScript(archive, root: root)
                return (isScript ? .torchScript : .torchZip, try TorchZip.read(archive, root: root))
            }
            // numpy.savez of nothing is an archive without members.
            if NumPyReader.matchesNpz(archive) || archive.entries.isEmpty {
                return (.npz, try NumPyReader.readNpz(archive))
            }
            if HDF5Reader.matchesKeras(archive) { return (.hdf5, try HDF5Reader.readKeras(archive)) }
            throw Refusal.zip(archive)
        })

    private static let torchLegacy = CheckpointFormat(
        matches: { TorchLegacy.matches($0) },
        read: { (.torchLegacy, try TorchLegacy.read($0.region)) })

    private static let npy = CheckpointFormat(
        matches: { $0.starts(with: NpyHeader.magic) },
        read: { (.npy, try NumPyReader.readNpy($0.region)) })

    private static let hdf5 = CheckpointFormat(
        matches: { try HDF5Superblock.offset(in: $0.region) != nil },
        read: { (.hdf5, try HDF5Reader.read($0.region)) })

    private static let torchTar = CheckpointFormat(
        matches: { probe in
            guard probe.region.count >= 512, let members = try? TorchTar.directory(of: probe.region) else {
                return false
            }
            return !TorchTar.members.isDisjoint(with: members.keys)
        },
        read: { probe in
            guard let members = try TorchTar.directory(of: probe.region) else {
                throw CheckpointError(.damaged, "no tar archive")
            }
            return (.torchTar, try TorchTar.read(members))
        })

    private static let safetensors = CheckpointFormat(
        matches: { SafetensorsReader.matches($0) },
        read: { probe in
            let contents = try SafetensorsReader.read(probe.region)
            let isSwt = contents.metadata.contains { $0.key == "format" && $0.value == "swt" }
            return (isSwt ? .swt : .safetensors, contents)
        })

    private static let messagePack = CheckpointFormat(
        matches: { MessagePackProbe.matches($0.region) },
        read: { (.msgpack, try MessagePackReader.read($0.region)) })
}
