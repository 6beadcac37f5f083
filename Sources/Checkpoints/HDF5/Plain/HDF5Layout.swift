import CHDF5
import TensorCore

/// Where the values of a dataset stand (IV.A.2.i), checked against what they are.
struct HDF5Layout {
    var record = hdf5_dataset()
    /// Of values that stand as they are.
    private(set) var place: UInt64?
    /// The length of all values in bytes.
    let size: Int
    /// Whether chunks have to be counted, or have an index that only the library knows: it describes the dataset.
    private(set) var isForLibrary = false

    init(_ header: HDF5Header, space: HDF5Dataspace, itemSize: UInt64) throws {
        record.is_null = space.isNull ? 1 : 0
        record.rank = UInt32(space.lengths.count)
        withUnsafeMutableBytes(of: &record.lengths) { lengths in
            space.lengths.withUnsafeBytes { lengths.copyMemory(from: $0) }
        }
        record.offset = .max
        let (size, overflow) = space.elementCount.multipliedReportingOverflow(by: Int(clamping: itemSize))
        try HDF5Doubt.unless(!overflow && itemSize > 0, "values of a size that cannot be")
        self.size = size
        let message = try header.onlyMessage(.layout)
        var reader = message.body
        let version = try reader.expectByte(3...4, "version of a layout")
        switch try reader.expectByte(0...2, "class of a layout") {
        case 0: try readCompact(&reader, at: message.address)
        case 1: try readContiguous(&reader)
        default:
            record.layout = HDF5_CHUNKED
            isForLibrary = version > 3 || size > HDF5_UNQUESTIONED
            if !isForLibrary { try readChunked(&reader, space, itemSize: itemSize) }
        }
        try HDF5Doubt.unless(
            record.layout == HDF5_CHUNKED || !header.has(.filters), "filters without chunks")
    }

    /// Values in the header itself, which are a range of the file like others.
    private mutating func readCompact(_ reader: inout ByteReader, at address: UInt64) throws {
        let count = Int(try reader.integer(UInt16.self))
        try HDF5Doubt.unless(
            count == size && count <= reader.remaining, "\(count) bytes of values for \(size)")
        record.layout = HDF5_CONTIGUOUS
        place = address + UInt64(reader.position)
    }

    private mutating func readContiguous(_ reader: inout ByteReader) throws {
        let address = try reader.address()
        let count = try reader.length()
        record.layout = HDF5_CONTIGUOUS
        guard size > 0 else { return }
        try HDF5Doubt.unless(count == size, "\(count) bytes of values for \(size)")
        if address != HDF5Blocks.undefined { place = address }
    }

    /// Packed or in pieces: the library reads such values.
    private mutating func readChunked(
        _ reader: inout ByteReader, _ space: HDF5Dataspace, itemSize: UInt64
    ) throws {
        let axes = Int(try reader.byte()) - 1
        try HDF5Doubt.unless(
            axes > 0 && axes == space.lengths.count, "chunks of \(axes) axes for \(space.lengths.count)")
        try reader.skip(8)
        var elements: UInt64 = 1
        for axis in 0..<axes {
            let length = UInt64(try reader.integer(UInt32.self))
            if axis == 0 { record.chunk_rows = length }
            let (product, overflow) = elements.multipliedReportingOverflow(by: length)
            // The sizes of chunks have 32 bits.
            try HDF5Doubt.unless(
                product > 0 && !overflow && product <= UInt64(UInt32.max) / itemSize,
                "chunks of a size that cannot be")
            elements = product
        }
        try HDF5Doubt.unless(
            UInt64(try reader.integer(UInt32.self)) == itemSize, "chunks of elements of another size")
        record.chunk_elements = elements
    }
}

/// The value of what was never written (IV.A.2.e, IV.A.2.f): libhdf5 is asked for it where it is needed.
enum HDF5FillValue {
    static func check(_ header: HDF5Header) throws {
        if let old = try header.single(.oldFillValue) {
            var reader = old.body
            try reader.skip(Int(try reader.integer(UInt32.self)))
        }
        guard let message = try header.single(.fillValue) else { return }
        var reader = message.body
        let version = try reader.expectByte(1...3, "version of a fill value")
        var hasValue = true
        if version < 3 {
            _ = try reader.expectByte(1...3, "time of allocation")
            _ = try reader.expectByte(0...2, "time of filling")
            hasValue = try reader.expectByte(0...1, "whether there is a fill value:") == 1 || version == 1
        } else {
            let flags = try reader.expectByte(0...0x3F, "flags of a fill value")
            try HDF5Doubt.unless(flags & 0x30 != 0x30, "a fill value that is both defined and not")
            hasValue = flags & 0x20 != 0
        }
        guard hasValue else { return }
        try reader.skip(Int(try reader.integer(UInt32.self)))
    }
}

/// How chunks are packed (IV.A.2.l): libhdf5 undoes it, and is asked which filters it knows.
enum HDF5Filters {
    static func check(_ header: HDF5Header) throws {
        guard let message = try header.single(.filters) else { return }
        var reader = message.body
        let version = try reader.expectByte(1...2, "version of the filters")
        let count = try reader.expectByte(0...32, "number of filters")
        if version == 1 { try reader.skip(6) }
        for _ in 0..<count {
            let number = try reader.integer(UInt16.self)
            let nameLength = version == 1 || number >= 256 ? Int(try reader.integer(UInt16.self)) : 0
            try reader.skip(2)
            let values = Int(try reader.integer(UInt16.self))
            try HDF5Doubt.unless(version == 2 || nameLength % 8 == 0, "a filter's name that is not aligned")
            try reader.skip(nameLength + 4 * values)
            if version == 1 && values % 2 == 1 { try reader.skip(4) }
        }
    }
}
