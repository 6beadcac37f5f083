import TensorCore

/// PyTorch's first container, a tar archive with the members `sys_info`, `pickle`, `tensors` and `storages`
/// (`torch/serialization.py`, `legacy_load`).
enum TorchTar {
    static let members: Set<String> = ["sys_info", "pickle", "tensors", "storages"]
    static let blockSize = 512

    /// The archive's regular members, or nil when the bytes are no tar archive.
    static func directory(of region: ByteRegion) throws -> [String: ByteRegion]? {
        var found: [String: ByteRegion] = [:]
        var reader = ByteReader(region)
        while reader.remaining >= blockSize {
            let header = try reader.bytes(blockSize)
            if header.allSatisfy({ $0 == 0 }) { break }
            guard isHeader(header), let size = octal(header[124..<136]) else {
                if found.isEmpty { return nil }
                throw CheckpointError(
                    .damaged, "expected the header of a tar member", offset: reader.offset - blockSize)
            }
            var name = header[0..<100].prefix { $0 != 0 }
            if name.starts(with: Array("./".utf8)) { name = name.dropFirst(2) }
            guard size <= reader.remaining else {
                throw CheckpointError(
                    .damaged,
                    "expected \(size) bytes, found \(reader.remaining): the download was probably cut short",
                    part: String(decoding: name, as: UTF8.self), offset: reader.offset)
            }
            let data = try reader.region(size)
            // '0' and NUL are regular files; PAX headers and folders are passed over.
            if header[156] == 0x30 || header[156] == 0 { found[String(decoding: name, as: UTF8.self)] = data }
            try reader.skip(min((blockSize - size % blockSize) % blockSize, reader.remaining))
        }
        return found.isEmpty ? nil : found
    }

    static func read(_ directory: [String: ByteRegion]) throws -> CheckpointContents {
        func member(_ name: String) throws -> ByteRegion {
            guard let region = directory[name] else {
                throw CheckpointError(.damaged, "the tar archive has no member \"\(name)\"")
            }
            return region
        }
        var objects = TarObjects()
        try objects.readStorages(try member("storages"))
        try objects.readTensors(try member("tensors"))
        var reader = ByteReader(try member("pickle"))
        let graph = try PickleMachine.run(&reader)
        return try ObjectListing(of: graph, storages: objects).contents
    }

    /// A header's own checksum, over its bytes with the checksum field blank, tells a tar from anything else.
    static func isHeader(_ header: [UInt8]) -> Bool {
        guard let expected = octal(header[148..<156]) else { return false }
        var sum = 0
        for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 0x20 : Int(byte) }
        return sum == expected
    }

    /// A number in octal digits, or, for sizes beyond 8 GiB, big-endian behind a set top bit.
    static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            var value = Int(first & 0x7F)
            for byte in field.dropFirst() {
                guard value >> 54 == 0 else { return nil }
                value = value << 8 | Int(byte)
            }
            return value
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}

/// The storages and tensors of a tar container by the ids under which its pickle refers to them.
private struct TarObjects: StorageProvider {
    private var storages: [String: (dtype: DType, storage: TensorStorage)] = [:]
    private var tensors: [String: TensorView] = [:]

    /// `n`, then n × [pickle (key, location, class), int64 number of elements, elements], then the views.
    mutating func readStorages(_ region: ByteRegion) throws {
        var reader = ByteReader(region)
        for _ in 0..<(try Self.count(&reader)) {
            let (fields, graph) = try Self.fields(&reader, 3)
            let name = graph.global(fields[2])
            guard let key = Self.key(fields[0]), let name, let dtype = TorchDType.ofStorage(name.name) else {
                throw CheckpointError(
                    .damaged, "a storage without a key or of an unknown class \(name?.description ?? "?")",
                    part: "storages", offset: reader.offset)
            }
            let elements = try reader.integer(Int64.self)
            let (bytes, overflow) = Int(elements).multipliedReportingOverflow(by: dtype.itemSize)
            guard elements >= 0, !overflow, bytes <= reader.remaining else {
                throw CheckpointError(
                    .damaged, "expected \(elements) elements, found \(reader.remaining) bytes",
                    part: "storage \(key)", offset: reader.offset)
            }
            storages[key] = (dtype, .bytes(try reader.region(bytes), .little))
        }
        let views = try PickleMachine.run(&reader)
        for view in views.sequence(views.root) ?? [] {
            // (target key, root key, offset, number of elements)
            guard let fields = views.sequence(view), fields.count == 4, let target = Self.key(fields[0]),
                let rootKey = Self.key(fields[1]), let root = storages[rootKey],
                let offset = fields[2].integer,
                let count = fields[3].integer, case .bytes(let bytes, _) = root.storage, offset >= 0,
                count >= 0,
                offset <= bytes.count, count <= bytes.count
            else { throw CheckpointError(.damaged, "a view of a storage is out of range", part: "storages") }
            let size = root.dtype.itemSize
            storages[target] = (root.dtype, .bytes(try bytes.slice(offset * size, count * size), .little))
        }
    }

    /// `n`, then n × [pickle (key, storage's key, class), int32 rank, 4 bytes, sizes, strides, offset].
    mutating func readTensors(_ region: ByteRegion) throws {
        var reader = ByteReader(region)
        for _ in 0..<(try Self.count(&reader)) {
            let (fields, _) = try Self.fields(&reader, 3)
            guard let key = Self.key(fields[0]), let storageKey = Self.key(fields[1]) else {
                throw CheckpointError(
                    .damaged, "a tensor without a key", part: "tensors", offset: reader.offset)
            }
            let rank = Int(try reader.integer(Int32.self))
            try reader.skip(4)
            guard rank >= 0, rank <= reader.remaining / 16 else {
                throw CheckpointError(
                    .damaged, "a tensor of rank \(rank)", part: "tensor \(key)", offset: reader.offset)
            }
            let sizes = try (0..<rank).map { _ in Int(try reader.integer(Int64.self)) }
            let strides = try (0..<rank).map { _ in Int(try reader.integer(Int64.self)) }
            let offset = Int(try reader.integer(Int64.self))
            guard let (dtype, storage) = storages[storageKey] else {
                throw CheckpointError(.damaged, "its storage \(storageKey) is missing", part: "tensor \(key)")
            }
            do {
                tensors[key] = try TensorView(
                    storage: storage, dtype: dtype, shape: try Shape(sizes), strides: strides, offset: offset)
            } catch {
                throw CheckpointError(error, part: "tensor \(key)")
            }
        }
    }

    private static func count(_ reader: inout ByteReader) throws -> Int {
        let start = reader.offset
        guard let count = try PickleMachine.run(&reader).root.integer, count >= 0, count <= reader.remaining
        else {
            throw CheckpointError(.damaged, "expected a number of entries", offset: start)
        }
        return count
    }

    private static func fields(_ reader: inout ByteReader, _ count: Int) throws -> (
        [PickleValue], PickleGraph
    ) {
        let start = reader.offset
        let graph = try PickleMachine.run(&reader)
        guard let fields = graph.sequence(graph.root), fields.count >= count else {
            throw CheckpointError(.damaged, "expected \(count) fields", offset: start)
        }
        return (fields, graph)
    }

    /// Keys are addresses in memory: numbers, or their digits.
    private static func key(_ value: PickleValue) -> String? {
        switch value {
        case .wideInteger(let digits): digits
        default: value.text ?? value.integer.map(String.init)
        }
    }

    func storage(key: String, byteCount: Int) throws -> TensorStorage {
        guard let storage = storages[key] else {
            throw CheckpointError(
                .damaged, "the archive holds no storage with this key", part: "storage \(key)")
        }
        return storage.storage
    }

    func tensor(_ id: PickleValue) -> TensorView? {
        Self.key(id).flatMap { tensors[$0] }
    }
}
