import TensorCore

/// The records of a version 2 B-tree, in order (III.A.2).
struct HDF5Tree2 {
    private(set) var records: [ByteRegion] = []
    private let blocks: HDF5Blocks
    private let type: UInt8
    private let recordSize: Int
    private let nodeSize: Int
    /// Bytes of the number of records in a child, and of all below it, by level; leaves are at level 0.
    private let countSize: Int
    private var totalSizes: [Int] = [0]

    init(_ blocks: HDF5Blocks, at address: UInt64, type: UInt8, recordSize: Int) throws {
        self.blocks = blocks
        self.type = type
        self.recordSize = recordSize
        var reader = try blocks.take(address, 38)
        try reader.verifySum()
        try reader.expect("BTHD")
        _ = try reader.expectByte(0...0, "version of a tree")
        _ = try reader.expectByte(type...type, "type of a tree")
        nodeSize = Int(try reader.integer(UInt32.self))
        try HDF5Doubt.unless(
            Int(try reader.integer(UInt16.self)) == recordSize && recordSize > 0 && nodeSize <= 1 << 20
                && nodeSize >= 10 + 2 * recordSize, "nodes of a size that does not fit")
        let depth = Int(try reader.integer(UInt16.self))
        try HDF5Doubt.unless(depth <= 4, "a tree of \(depth) levels")
        try reader.skip(2)
        let root = try reader.address()
        let count = Int(try reader.integer(UInt16.self))
        let total = try reader.length()
        let most = (nodeSize - 10) / recordSize
        countSize = Self.size(of: most)
        var below = most
        for level in 1..<max(2, depth + 1) {
            let pointer = 8 + countSize + totalSizes[level - 1]
            let own = (nodeSize - 10 - pointer) / (recordSize + pointer)
            try HDF5Doubt.unless(own > 0, "nodes without room")
            below = (own + 1) * below + own
            totalSizes.append(Self.size(of: below))
        }
        if root != HDF5Blocks.undefined { try visit(root, count: count, level: depth) }
        try HDF5Doubt.unless(records.count == total, "\(records.count) records of \(total)")
    }

    private static func size(of limit: Int) -> Int {
        (Int.bitWidth - limit.leadingZeroBitCount - 1) / 8 + 1
    }

    private mutating func visit(_ address: UInt64, count: Int, level: Int) throws {
        let pointer = level > 0 ? 8 + countSize + totalSizes[level - 1] : 0
        let used = 6 + count * recordSize + (level > 0 ? (count + 1) * pointer : 0) + 4
        try HDF5Doubt.unless(used <= nodeSize, "more records than a node holds")
        var reader = try blocks.take(address, used)
        try reader.verifySum()
        try reader.expect(level > 0 ? "BTIN" : "BTLF")
        _ = try reader.expectByte(0...0, "version of a node")
        _ = try reader.expectByte(type...type, "type of a node")
        var own: [ByteRegion] = []
        for _ in 0..<count { own.append(try reader.region(recordSize)) }
        guard level > 0 else {
            records += own
            return
        }
        for index in 0...count {
            let child = try reader.address()
            let childCount = Int(clamping: try reader.number(ofSize: countSize))
            try reader.skip(totalSizes[level - 1])
            try visit(child, count: childCount, level: level - 1)
            if index < count { records.append(own[index]) }
        }
    }
}
