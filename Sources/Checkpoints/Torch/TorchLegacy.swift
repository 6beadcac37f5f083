import TensorCore

/// PyTorch's serialisation of the years 0.1 to 1.5 (`torch/serialization.py`, `_legacy_save`).
///
/// Five pickles one after another (a magic number, the protocol version, facts about the machine, the
/// object, the keys of its storages), then the storages in the order of the keys, each as its number of
/// elements and the elements, little-endian on every machine.
enum TorchLegacy {
    /// The number 0x1950A86A20F9469CFC6C as its opcode LONG1 spells it, and STOP.
    private static let magic: [UInt8] = [
        0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    /// Whether the first pickle is the magic number: PROTO, from protocol 4 on a FRAME, the number.
    static func matches(_ probe: Probe) -> Bool {
        probe.starts(with: [0x80]) && (probe.starts(with: magic, at: 2) || probe.starts(with: magic, at: 11))
    }

    static func read(_ region: ByteRegion) throws -> CheckpointContents {
        var reader = ByteReader(region)
        let magic = try PickleMachine.run(&reader)
        let versions = try PickleMachine.run(&reader)
        let version = versions.root
        guard version == .integer(1001) else {
            throw CheckpointError(.unsupported, "protocol version \(version); 1001 is the only one known")
        }
        let system = try PickleMachine.run(&reader)
        let graph = try PickleMachine.run(&reader)
        let keys = try PickleMachine.run(&reader)
        region.expect(Self.counts(of: keys, in: graph, from: reader.position))
        let storages = try LegacyStorages(&reader, keys: keys, types: try storageTypes(in: graph))
        var contents = try ObjectListing(of: graph, storages: storages).contents
        // Python would run the pickles around the object, too; PyTorch's own name nothing.
        for name in [magic, versions, system, keys].flatMap(\.globals).map(\.description)
        where !contents.globals.contains(name) { contents.globals.append(name) }
        if !reader.isAtEnd {
            contents.remarks.append("\(reader.remaining) bytes follow the last storage and belong to nothing")
        }
        return contents
    }

    /// Where the numbers of elements should stand, before each storage.
    private static func counts(of keys: PickleGraph, in graph: PickleGraph, from start: Int) -> [Range<Int>] {
        guard let sizes = try? LostStorages(graph).sizes else { return [] }
        var place = start
        return (keys.sequence(keys.root) ?? []).compactMap { value in
            guard let size = sizes[value.text ?? value.integer.map(String.init) ?? ""] else { return nil }
            defer { place = TruncationSurvey.sum(place, 8 + min(size, .max - 8)) ?? .max - 8 }
            return place..<place + 8
        }
    }

    /// The element type of each storage: the storages themselves say only how many elements they have.
    static func storageTypes(in graph: PickleGraph) throws -> [String: DType] {
        var types: [String: DType] = [:]
        for node in graph.nodes {
            guard case .persistent(let id) = node, let reference = try StorageReference(id, in: graph) else {
                continue
            }
            types[reference.key] = reference.dtype
        }
        return types
    }
}

/// The storages that stand behind the pickles.
struct LegacyStorages: StorageProvider {
    private var storages: [String: TensorStorage] = [:]

    init(_ reader: inout ByteReader, keys: PickleGraph, types: [String: DType]) throws {
        guard let list = keys.sequence(keys.root) else {
            throw CheckpointError(.damaged, "expected the list of storage keys", offset: reader.offset)
        }
        for value in list {
            guard let key = value.text ?? value.integer.map(String.init), let dtype = types[key] else {
                throw CheckpointError(
                    .damaged, "a storage that the object does not refer to, so that its type is not known",
                    offset: reader.offset)
            }
            let start = reader.offset
            let count = try reader.integer(Int64.self)
            let (bytes, overflow) = Int(count).multipliedReportingOverflow(by: dtype.itemSize)
            guard count >= 0, !overflow, bytes <= reader.remaining else {
                throw CheckpointError(
                    .damaged,
                    "expected \(count) elements of \(dtype.itemSize) bytes, found \(reader.remaining) bytes: "
                        + "the download was probably cut short", part: "storage \(key)", offset: start)
            }
            storages[key] = .bytes(try reader.region(bytes), .little)
        }
    }

    func storage(key: String, byteCount: Int) throws -> TensorStorage {
        guard let storage = storages[key] else {
            throw CheckpointError(.damaged, "the file holds no storage with this key", part: "storage \(key)")
        }
        return storage
    }
}
