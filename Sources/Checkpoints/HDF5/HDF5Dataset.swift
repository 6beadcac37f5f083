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
    private let description: HDF5DatasetDescription
    private var dataset: hdf5_dataset { description.record }

    init(_ description: HDF5DatasetDescription, at path: HDF5Path, of session: HDF5Session) {
        self.description = description
        self.path = path
        self.session = session
    }

    func contents() throws -> Contents {
        guard dataset.is_elsewhere == 0, let type = description.type else {
            return .other("its values are in other files, which are not opened")
        }
        if dataset.is_null != 0 { return .other("no values") }
        switch try HDF5Type(type) {
        case .other(let what): return .other(what)
        case .numbers(let dtype, let order, let axes): return try tensor(dtype, order, axes)
        }
    }

    private func tensor(
        _ dtype: DType, _ order: ByteOrder, _ axes: [Int]
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
        let storage = TensorStorage.deferred(deferred(size, order))
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

    private func deferred(_ size: Int, _ order: ByteOrder) -> DeferredBytes {
        let (session, path, filters) = (session, path, description.filters)
        return DeferredBytes(byteCount: size, order: order) {
            do {
                let filters = try filters ?? session.object(path).dataset?.filters ?? []
                if let missing = Self.missing(among: filters) {
                    throw CheckpointError(
                        .unsupported,
                        "its values are packed by the filter \(missing), which is not installed")
                }
                return try session.values(of: path, count: size)
            } catch {
                throw CheckpointError(error, part: path.name)
            }
        }
    }

    /// Filters that are met in files and that the library does not bring (registered with the HDF Group).
    private static let known: [Int32: String] = [
        307: "bzip2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
        32015: "Zstandard", 32026: "Blosc2",
    ]

    private static func missing(among filters: [hdf5_filter]) -> String? {
        guard let filter = filters.first(where: { $0.is_available == 0 }) else { return nil }
        let own = HDF5Type.text(filter.name)
        let text = known[filter.number] ?? (own.isEmpty ? nil : own)
        return text.map { "\($0) (number \(filter.number))" } ?? "number \(filter.number)"
    }
}
