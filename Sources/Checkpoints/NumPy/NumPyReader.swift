import TensorCore

/// NumPy's single array (`.npy`) and zip of arrays (`.npz`).
enum NumPyReader {
    /// The room that NumPy gives to an array's header, and a zip archive to what stands between name and member.
    private static let usualHeader = 192
    /// How much of a deflated member is read for its header.
    private static let usualStream = 2 << 10
    private static let longestStream = 64 << 10

    static func matchesNpy(_ region: ByteRegion) -> Bool {
        var reader = ByteReader(region)
        return (try? reader.bytes(6)) == NpyHeader.magic
    }

    /// Whether the members of a zip archive are arrays.
    static func matchesNpz(_ archive: ZipArchive) -> Bool {
        archive.entries.contains { $0.name.hasSuffix(".npy") }
    }

    /// The file's one array, under the name `tensor`.
    static func readNpy(_ region: ByteRegion) throws -> CheckpointContents {
        var reader = ByteReader(region)
        let header = try NpyHeader(&reader)
        var contents = CheckpointContents()
        let view = try header.view(
            of: .bytes(region, .little), at: reader.position, available: reader.remaining)
        try contents.add(NamedTensor("tensor", view))
        return contents
    }

    /// Each member `NAME.npy` as the tensor NAME; what holds no numbers is listed beside.
    static func readNpz(_ archive: ZipArchive) throws -> CheckpointContents {
        var contents = CheckpointContents()
        archive.expectHeaders { entry in
            guard entry.name.hasSuffix(".npy") else { return nil }
            return entry.method == 0 ? usualHeader : usualHeader + usualStream
        }
        for entry in archive.entries where !entry.name.hasSuffix("/") {
            guard entry.name.hasSuffix(".npy") else {
                try contents.add(OtherEntry(entry.name, type: "member", value: "\(entry.size) bytes"))
                continue
            }
            let name = String(entry.name.dropLast(".npy".count))
            do {
                try contents.add(NamedTensor(name, try view(of: entry, in: archive)))
            } catch let error as CheckpointError where error.kind == .unsupported {
                try contents.add(OtherEntry(name, type: "array", value: error.detail))
            } catch {
                throw CheckpointError(error, part: entry.name)
            }
        }
        return contents
    }

    private static func view(of entry: ZipArchive.Entry, in archive: ZipArchive) throws -> TensorView {
        let storage = try archive.storage(of: entry)
        let (header, length) = try header(of: entry, storage, in: archive)
        return try header.view(of: storage, at: length, available: entry.size - length)
    }

    /// - Returns: the header, and where it ends.
    private static func header(
        of entry: ZipArchive.Entry, _ storage: TensorStorage, in archive: ZipArchive
    ) throws -> (NpyHeader, Int) {
        func read(_ region: ByteRegion) throws -> (NpyHeader, Int) {
            var reader = ByteReader(region)
            return (try NpyHeader(&reader), reader.position)
        }
        if case .bytes(let region, _) = storage { return try read(region) }
        let stored = try archive.storedRange(of: entry)
        func beginning(_ length: Int) throws -> ByteRegion {
            try Inflate.beginning(stored, of: entry.size, from: length, member: entry.name)
        }
        // What does not do with the usual length may do with more.
        return try (try? read(beginning(usualStream))) ?? read(beginning(longestStream))
    }
}
