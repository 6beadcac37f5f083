import TensorCore

/// PyTorch's zip container (`torch.save` since 1.6) and TorchScript archives, which share it.
///
/// One folder, named as the file was when saved, holds `data.pkl`, a member `data/KEY` for each storage, and
/// `byteorder`. TorchScript adds `code/` and a second pickle with the constants.
enum TorchZip {
    /// What is read whole: pickles hold names and numbers, not weights.
    private static let largestPickle = 1 << 30

    /// The folder of the archive's pickle, with its trailing slash, if it has one.
    static func root(of archive: ZipArchive) -> String? {
        archive.entries.lazy
            .filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
            .map { String($0.name.dropLast("data.pkl".count)) }
            .min { $0.utf8.count < $1.utf8.count }
    }

    static func isTorchScript(_ archive: ZipArchive, root: String) -> Bool {
        archive[root + "constants.pkl"] != nil
            || archive.entries.contains { $0.name.hasPrefix(root + "code/") }
    }

    static func read(_ archive: ZipArchive, root: String) throws -> CheckpointContents {
        archive.expectHeaders { $0.name.hasPrefix(root) ? 0 : nil }
        let order = try byteOrder(archive, root: root)
        guard let pickle = archive[root + "data.pkl"] else {
            throw CheckpointError(.damaged, "data.pkl is missing")
        }
        var contents = try read(
            pickle, of: archive, storages: ZipStorages(archive: archive, folder: root + "data/", order: order)
        )
        if let constants = archive[root + "constants.pkl"] {
            let storages = ZipStorages(archive: archive, folder: root + "constants/", order: order)
            let more = try read(constants, of: archive, storages: storages)
            for tensor in more.tensors {
                try contents.add(NamedTensor("constants." + tensor.name, tensor.view))
            }
            let known = Set(contents.globals)
            contents.globals += more.globals.filter { !known.contains($0) }
        }
        return contents
    }

    private static func read(
        _ entry: ZipArchive.Entry, of archive: ZipArchive, storages: ZipStorages
    ) throws -> CheckpointContents {
        do {
            var reader = ByteReader(try archive.contents(of: entry, limit: largestPickle))
            let graph = try PickleMachine.run(&reader)
            return try ObjectListing(of: graph, storages: storages).contents
        } catch let error as ByteError {
            throw CheckpointError(error, part: entry.name)
        } catch let error as CheckpointError {
            throw CheckpointError(error, part: entry.name)
        }
    }

    private static func byteOrder(_ archive: ZipArchive, root: String) throws -> ByteOrder {
        guard let entry = archive[root + "byteorder"] else { return .little }
        switch String(decoding: try archive.contents(of: entry, limit: 64).array(), as: UTF8.self) {
        case "little": return .little
        case "big": return .big
        case let other: throw CheckpointError(.damaged, "byte order \"\(other)\"", part: entry.name)
        }
    }
}

/// Storages as members of a zip archive. Each is looked up once, however many tensors share it.
private final class ZipStorages: StorageProvider {
    private let archive: ZipArchive
    private let folder: String
    private let order: ByteOrder
    private var known: [String: TensorStorage] = [:]

    init(archive: ZipArchive, folder: String, order: ByteOrder) {
        self.archive = archive
        self.folder = folder
        self.order = order
    }

    func storage(key: String, byteCount: Int) throws -> TensorStorage {
        if let storage = known[key] { return storage }
        guard let entry = archive[folder + key] else {
            throw CheckpointError(
                .damaged, "the archive has no member \(folder)\(key)", part: "storage \(key)")
        }
        let storage = try archive.storage(of: entry, order: order)
        try ZipArchive.prove(storage, holdsLittleMoreThan: byteCount)
        known[key] = storage
        return storage
    }
}
