import CHDF5
import TensorCore

/// A dataset, as a view of the file's bytes where its values stand there plainly.
struct HDF5Dataset {
    enum Contents {
        case tensor(TensorView)
        /// No numbers, or not in this file: why.
        case other(String)
    }

    private let path: HDF5Path
    private let session: HDF5Session
    private let dataset: hdf5_dataset
    /// What follows: the type and the filters.
    private let rest: ByteReader

    init(_ description: ByteReader, at path: HDF5Path, of session: HDF5Session) throws {
        var reader = description
        dataset = try reader.record(hdf5_dataset())
        rest = reader
        self.path = path
        self.session = session
    }

    func contents() throws -> Contents {
        if dataset.is_elsewhere != 0 { return .other("its values are in other files, which are not opened") }
        if dataset.is_null != 0 { return .other("no values") }
        var reader = rest
        switch try HDF5Type(&reader) {
        case .other(let what): return .other(what)
        case .numbers(let dtype, let order, let axes): return try tensor(dtype, order, axes, &reader)
        }
    }

    private func tensor(
        _ dtype: DType, _ order: ByteOrder, _ axes: [Int], _ filters: inout ByteReader
    ) throws -> Contents {
        let lengths = HDF5Type.lengths(dataset.rank, dataset.lengths)
        let shape = try Shape(lengths + axes)
        let (size, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.itemSize)
        guard !overflow else { throw TensorError.invalidShape(shape.dimensions) }
        guard size > 0 else {
            return .tensor(
                try TensorView(storage: .bytes(ByteRegion([]), order), dtype: dtype, shape: shape))
        }
        switch dataset.layout {
        case HDF5_CONTIGUOUS where dataset.offset != .max:
            let region = try place(of: size)
            return .tensor(try TensorView(storage: .bytes(region, order), dtype: dtype, shape: shape))
        case HDF5_CONTIGUOUS:
            return try filled(dtype, order, shape, items: axes)
        case HDF5_CHUNKED:
            if size > Self.unquestioned {
                if dataset.stored == 0 { return try filled(dtype, order, shape, items: axes) }
                try expect(size, from: Int(clamping: dataset.stored), what: "values")
            }
            try checkChunks(itemSize: size / max(1, lengths.reduce(1, *)))
        case HDF5_COMPACT, HDF5_VIRTUAL:
            try expect(size, from: session.region.count, what: "values")
        default:
            return .other("a layout that is not known")
        }
        let storage = TensorStorage.deferred(try deferred(size, order, &filters))
        return .tensor(try TensorView(storage: storage, dtype: dtype, shape: shape))
    }

    // MARK: Values in the file

    private func place(of size: Int) throws -> ByteRegion {
        let offset = Int(clamping: dataset.offset)
        guard offset <= session.region.count, size <= session.region.count - offset else {
            throw CheckpointError(
                .damaged,
                "expected \(size) bytes from \(dataset.offset) on, but the file has \(session.region.count)")
        }
        return try session.region.slice(offset, size)
    }

    /// Values that were never written: one of them, seen everywhere.
    private func filled(
        _ dtype: DType, _ order: ByteOrder, _ shape: Shape, items: [Int]
    ) throws -> Contents {
        guard shape.elementCount <= Self.unquestioned / dtype.itemSize else {
            return .other("\(shape.elementCount) values, none of which are stored")
        }
        let item = try Shape(items)
        let region = try session.ask(HDF5_FILL, path).region
        guard region.count == item.elementCount * dtype.itemSize else {
            throw CheckpointError(
                .damaged, "a value of \(region.count) bytes for \(dtype.rawValue) in \(item)")
        }
        let strides = [Int](repeating: 0, count: shape.rank - item.rank) + item.rowMajorStrides
        return .tensor(
            try TensorView(storage: .bytes(region, order), dtype: dtype, shape: shape, strides: strides))
    }

    // MARK: Values behind the library

    /// What is allocated without asking how many bytes of the file stand behind it.
    private static let unquestioned = Int(HDF5_UNQUESTIONED)

    /// Filters shrink values by no more than deflate does, 1032 : 1.
    private func expect(_ size: Int, from stored: Int, what: String) throws {
        guard size <= Self.unquestioned || size / 1032 <= stored else {
            throw CheckpointError(
                .damaged, "\(stored) bytes of the file cannot hold \(size) bytes of \(what)")
        }
    }

    private func checkChunks(itemSize: Int) throws {
        let (size, overflow) = Int(clamping: dataset.chunk_elements).multipliedReportingOverflow(
            by: itemSize)
        guard dataset.chunk_elements > 0, !overflow else {
            throw CheckpointError(.damaged, "chunks of a size that overflows")
        }
        try expect(size, from: session.region.count, what: "a chunk")
    }

    private func deferred(
        _ size: Int, _ order: ByteOrder, _ filters: inout ByteReader
    ) throws -> DeferredBytes {
        let missing = try missingFilter(&filters)
        let (session, path) = (session, path)
        return DeferredBytes(byteCount: size, order: order) {
            if let missing {
                throw CheckpointError(
                    .unsupported, "its values are packed by the filter \(missing), which is not installed",
                    part: path.name)
            }
            do {
                return try session.values(of: path, count: size)
            } catch {
                throw CheckpointError(error, part: path.name)
            }
        }
    }

    /// Filters that are met in files and that the library does not bring (registered with the HDF Group).
    private static let filters: [Int32: String] = [
        307: "bzip2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
        32015: "Zstandard", 32026: "Blosc2",
    ]

    private func missingFilter(_ reader: inout ByteReader) throws -> String? {
        for _ in 0..<dataset.filters {
            let filter = try reader.record(hdf5_filter())
            guard filter.is_available == 0 else { continue }
            let own = HDF5Type.text(filter.name)
            let text = Self.filters[filter.number] ?? (own.isEmpty ? nil : own)
            return text.map { "\($0) (number \(filter.number))" } ?? "number \(filter.number)"
        }
        return nil
    }
}
