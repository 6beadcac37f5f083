import TensorCore

/// The superblock of a file that was closed and has addresses and lengths of 8 bytes (II.A).
struct HDF5PlainSuperblock {
    private(set) var length = 0
    /// Where the file ends, from the start of the region.
    private(set) var end = 0
    /// The address of the root group's header.
    private(set) var root: UInt64 = 0
    /// The B-tree and the heap of the root group, as old superblocks repeat them.
    private(set) var rootTable: (tree: UInt64, heap: UInt64)?
    /// Half the number of entries that there is room for in a leaf, and in a node, of the trees of old groups.
    private(set) var leafRank = 0
    private(set) var nodeRank = 0

    /// - Parameter isCut: whether the file may end before that.
    init(_ region: ByteRegion, at offset: Int, isCut: Bool = false) throws {
        let start = try region.slice(offset, min(region.count - offset, 128)).array()
        var reader = ByteReader(ByteRegion(start))
        try reader.skip(8)
        let version = try reader.expectByte(0...3, "superblock version")
        let base = version < 2 ? try readOld(&reader, version: version) : try readNew(&reader)
        length = reader.position
        try HDF5Doubt.unless(base == UInt64(offset), "a base address that is not the superblock's")
        try HDF5Doubt.unless(
            end >= offset + length && (isCut || end <= region.count), "a file that is cut short")
    }

    /// Versions 0 and 1.
    private mutating func readOld(_ reader: inout ByteReader, version: UInt8) throws -> UInt64 {
        _ = try reader.expectByte(0...0, "version of the free space")
        _ = try reader.expectByte(0...0, "version of the root's entry")
        try reader.skip(1)
        _ = try reader.expectByte(0...0, "version of shared headers")
        _ = try reader.expectByte(8...8, "size of addresses")
        _ = try reader.expectByte(8...8, "size of lengths")
        try reader.skip(1)
        leafRank = Int(try reader.integer(UInt16.self))
        nodeRank = Int(try reader.integer(UInt16.self))
        try HDF5Doubt.unless(leafRank > 0 && nodeRank > 0, "nodes without room")
        try HDF5Doubt.unless(try reader.integer(UInt32.self) == 0, "a file that was not closed")
        if version == 1 { try reader.skip(4) }
        let base = try reader.address()
        try HDF5Doubt.unless(try reader.address() == HDF5Blocks.undefined, "stored free space")
        end = try reader.length()
        try HDF5Doubt.unless(try reader.address() == HDF5Blocks.undefined, "a driver of its own")
        let entry = try HDF5SymbolEntry(&reader)
        root = entry.header
        if case .group(let tree, let heap) = entry.kind { rootTable = (tree, heap) }
        if case .softLink = entry.kind { throw HDF5Doubt("a root that is a link") }
        return base
    }

    /// Versions 2 and 3.
    private mutating func readNew(_ reader: inout ByteReader) throws -> UInt64 {
        _ = try reader.expectByte(8...8, "size of addresses")
        _ = try reader.expectByte(8...8, "size of lengths")
        _ = try reader.expectByte(0...0, "flags of a file that was not closed:")
        let base = try reader.address()
        try HDF5Doubt.unless(try reader.address() == HDF5Blocks.undefined, "an extended superblock")
        end = try reader.length()
        root = try reader.address()
        try reader.skip(4)
        try ByteReader(try reader.region.slice(0, reader.position)).verifySum()
        return base
    }
}

/// An entry of a symbol table (III.C).
struct HDF5SymbolEntry {
    enum Kind {
        case object
        case group(tree: UInt64, heap: UInt64)
        case softLink(target: Int)
    }

    /// Where the name stands in the heap.
    let name: Int
    /// The address of the object's header.
    let header: UInt64
    let kind: Kind

    static let size = 40

    init(_ reader: inout ByteReader) throws {
        name = try reader.length()
        header = try reader.address()
        let type = try reader.integer(UInt32.self)
        try reader.skip(4)
        switch type {
        case 0:
            kind = .object
            try reader.skip(16)
        case 1:
            kind = .group(tree: try reader.address(), heap: try reader.address())
        case 2:
            kind = .softLink(target: Int(try reader.integer(UInt32.self)))
            try reader.skip(12)
        default: throw HDF5Doubt("an entry of type \(type)")
        }
    }
}
