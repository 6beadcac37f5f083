import CHDF5
import TensorCore

/// A dataset, as a view of the file's bytes where its values stand there plainly.
struct HDF5Dataset {
    enum Contents {
        case tensor(TensorView)
        /// No numbers, or not in this file: why.
        case other(String)
    }

    private let id: hdf5_id
    private let path: HDF5Path
    private let file: HDF5File
    private var description = hdf5_dataset()

    init(_ id: hdf5_id, at path: HDF5Path, of file: HDF5File) throws {
        self.id = id
        self.path = path
        self.file = file
        try file.check(hdf5_describe(id, &description))
    }

    func contents() throws -> Contents {
        if description.is_elsewhere { return .other("its values are in other files, which are not opened") }
        if description.is_null { return .other("no values") }
        let typeID = hdf5_open_type(id)
        try file.check(typeID >= 0)
        defer { hdf5_close_type(typeID) }
        switch try HDF5Type(typeID, of: file) {
        case .other(let what): return .other(what)
        case .numbers(let dtype, let order, let axes): return try tensor(dtype, order, axes)
        }
    }

    private func tensor(_ dtype: DType, _ order: ByteOrder, _ axes: [Int]) throws -> Contents {
        let lengths = withUnsafeBytes(of: description.lengths) { lengths in
            lengths.bindMemory(to: UInt64.self).prefix(Int(description.rank)).map { Int(clamping: $0) }
        }
        let shape = try Shape(lengths + axes)
        let (size, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.itemSize)
        guard !overflow else { throw TensorError.invalidShape(shape.dimensions) }
        guard size > 0 else {
            return .tensor(
                try TensorView(storage: .bytes(ByteRegion([]), order), dtype: dtype, shape: shape))
        }
        switch description.layout {
        case HDF5_CONTIGUOUS where description.offset != .max:
            let region = try place(of: size)
            return .tensor(try TensorView(storage: .bytes(region, order), dtype: dtype, shape: shape))
        case HDF5_CONTIGUOUS:
            return try filled(dtype, order, shape, items: axes)
        case HDF5_CHUNKED:
            if size > Self.unquestioned {
                let stored = hdf5_stored_bytes(id)
                if stored == 0 { return try filled(dtype, order, shape, items: axes) }
                try expect(size, from: Int(clamping: stored), what: "values")
            }
            try checkChunks(itemSize: size / max(1, lengths.reduce(1, *)))
        case HDF5_COMPACT, HDF5_VIRTUAL:
            try expect(size, from: file.region.count, what: "values")
        default:
            return .other("a layout that is not known")
        }
        let storage = TensorStorage.deferred(try deferred(size, order))
        return .tensor(try TensorView(storage: storage, dtype: dtype, shape: shape))
    }

    // MARK: Values in the file

    private func place(of size: Int) throws -> ByteRegion {
        let offset = Int(clamping: description.offset)
        guard offset <= file.region.count, size <= file.region.count - offset else {
            throw CheckpointError(
                .damaged,
                "expected \(size) bytes from \(description.offset) on, but the file has \(file.region.count)")
        }
        return try file.region.slice(offset, size)
    }

    /// Values that were never written: one of them, seen everywhere.
    private func filled(
        _ dtype: DType, _ order: ByteOrder, _ shape: Shape, items: [Int]
    ) throws -> Contents {
        guard shape.elementCount <= Self.unquestioned / dtype.itemSize else {
            return .other("\(shape.elementCount) values, none of which are stored")
        }
        let item = try Shape(items)
        let value = HeapBytes(count: item.elementCount * dtype.itemSize)
        try file.check(hdf5_fill_value(id, value.buffer.baseAddress))
        let region = ByteRegion(value, count: item.elementCount * dtype.itemSize)
        let strides = [Int](repeating: 0, count: shape.rank - item.rank) + item.rowMajorStrides
        return .tensor(
            try TensorView(storage: .bytes(region, order), dtype: dtype, shape: shape, strides: strides))
    }

    // MARK: Values behind the library

    /// What is allocated without asking how many bytes of the file stand behind it.
    private static let unquestioned = 64 << 20

    /// Filters shrink values by no more than deflate does, 1032 : 1.
    private func expect(_ size: Int, from stored: Int, what: String) throws {
        guard size <= Self.unquestioned || size / 1032 <= stored else {
            throw CheckpointError(
                .damaged, "\(stored) bytes of the file cannot hold \(size) bytes of \(what)")
        }
    }

    private func checkChunks(itemSize: Int) throws {
        let (size, overflow) = Int(clamping: description.chunk_elements).multipliedReportingOverflow(
            by: itemSize)
        guard description.chunk_elements > 0, !overflow else {
            throw CheckpointError(.damaged, "chunks of a size that overflows")
        }
        try expect(size, from: file.region.count, what: "a chunk")
    }

    private func deferred(_ size: Int, _ order: ByteOrder) throws -> DeferredBytes {
        let missing = try missingFilter()
        let (file, path) = (file, path)
        return DeferredBytes(byteCount: size, order: order) {
            if let missing {
                throw CheckpointError(
                    .unsupported, "its values are packed by the filter \(missing), which is not installed",
                    part: path.name)
            }
            let bytes = HeapBytes(count: size)
            do {
                try withExtendedLifetime(file) {
                    try HDF5Library.use {
                        try file.withObject(path) { try file.check(hdf5_read($0, bytes.buffer.baseAddress)) }
                    }
                }
            } catch {
                throw CheckpointError(error, part: path.name)
            }
            return ByteRegion(bytes, count: size)
        }
    }

    /// Filters that are met in files and that the library does not bring (registered with the HDF Group).
    private static let filters: [Int32: String] = [
        307: "bzip2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
        32015: "Zstandard", 32026: "Blosc2",
    ]

    private func missingFilter() throws -> String? {
        for index in 0..<description.filters {
            var number: Int32 = 0
            var isAvailable = false
            var name = [CChar](repeating: 0, count: 64)
            try file.check(hdf5_filter(id, index, &number, &name, &isAvailable))
            guard !isAvailable else { continue }
            let own = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let text = Self.filters[number] ?? (own.isEmpty ? nil : own)
            return text.map { "\($0) (number \(number))" } ?? "number \(number)"
        }
        return nil
    }
}
