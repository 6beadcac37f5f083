import TensorCore

/// The links of a group in the old style: a B-tree of leaves, with names in a heap (III.A.1, III.B, III.D).
struct HDF5SymbolTable {
    private(set) var links: [HDF5Link] = []
    private let blocks: HDF5Blocks
    private let heap: HDF5LocalHeap
    private let superblock: HDF5PlainSuperblock

    init(_ blocks: HDF5Blocks, tree: UInt64, heap: UInt64, superblock: HDF5PlainSuperblock) throws {
        try HDF5Doubt.unless(superblock.leafRank > 0, "an old group in a new file")
        self.blocks = blocks
        self.heap = try HDF5LocalHeap(blocks, at: heap)
        self.superblock = superblock
        try visit(tree, level: nil)
    }

    /// - Parameter level: what the node must have; nil for the root.
    private mutating func visit(_ address: UInt64, level: UInt8?) throws {
        let size = 24 + 8 * (4 * superblock.nodeRank + 1)
        var reader = try blocks.take(address, size)
        try reader.expect("TREE")
        _ = try reader.expectByte(0...0, "type of a group's tree")
        let own = try reader.expectByte(0...16, "level of a tree")
        try HDF5Doubt.unless(level == nil || own == level, "a node of another level")
        let count = Int(try reader.integer(UInt16.self))
        try HDF5Doubt.unless(count <= 2 * superblock.nodeRank, "\(count) children of a node")
        // The neighbours, which walks from the root do not need.
        try reader.skip(16)
        guard count > 0 else {
            try HDF5Doubt.unless(level == nil, "an empty node")
            return
        }
        var key = try heap.text(at: try reader.length())
        for _ in 0..<count {
            let child = try reader.address()
            let next = try heap.text(at: try reader.length())
            let first = links.count
            if own == 0 {
                try visitLeaf(child)
            } else {
                try visit(child, level: own - 1)
            }
            try checkOrder(from: first, after: key, through: next)
            key = next
        }
    }

    /// Names are looked up by the keys beside the children: a name is greater than the first and no greater than the second.
    private func checkOrder(from first: Int, after key: [UInt8], through next: [UInt8]) throws {
        guard let low = links[first...].first?.name, let high = links.last?.name else {
            throw HDF5Doubt("a node without links")
        }
        try HDF5Doubt.unless(
            key.lexicographicallyPrecedes(low) && !next.lexicographicallyPrecedes(high),
            "names outside the keys of their node")
    }

    private mutating func visitLeaf(_ address: UInt64) throws {
        var reader = try blocks.take(address, 8 + 2 * superblock.leafRank * HDF5SymbolEntry.size)
        try reader.expect("SNOD")
        _ = try reader.expectByte(1...1, "version of a leaf")
        try reader.skip(1)
        let count = Int(try reader.integer(UInt16.self))
        try HDF5Doubt.unless(count <= 2 * superblock.leafRank, "\(count) entries of a leaf")
        for _ in 0..<count {
            let entry = try HDF5SymbolEntry(&reader)
            let name = try heap.text(at: entry.name)
            try HDF5LinkMessages.check(name)
            if let last = links.last {
                try HDF5Doubt.unless(last.name.lexicographicallyPrecedes(name), "names out of order")
            }
            let target: HDF5Link.Target
            switch entry.kind {
            case .softLink(let place):
                target = .soft(String(decoding: try heap.text(at: place), as: UTF8.self))
            case .object, .group: target = .object(address: entry.header)
            }
            links.append(HDF5Link(name: name, target: target))
        }
    }
}

/// The names of a group in the old style (III.D).
struct HDF5LocalHeap {
    private let data: ByteRegion

    init(_ blocks: HDF5Blocks, at address: UInt64) throws {
        var reader = try blocks.take(address, 32)
        try reader.expect("HEAP")
        _ = try reader.expectByte(0...0, "version of a heap")
        try reader.skip(3)
        let size = try reader.length()
        var free = try reader.length()
        let start = try reader.address()
        var data = try blocks.take(start, size)
        self.data = data.region
        // The list of what is free ends with 1, which is no place for a block.
        var steps = 0
        while free != 1 {
            steps += 1
            try HDF5Doubt.unless(free % 8 == 0 && steps <= size / 16, "free space in circles")
            try data.seek(to: free)
            let (next, count) = (try data.length(), try data.length())
            try HDF5Doubt.unless(count >= 16 && count <= size - free, "free space beyond its heap")
            free = next
        }
    }

    /// A text and, behind it in the heap, the zero that ends it.
    func text(at place: Int) throws -> [UInt8] {
        var reader = ByteReader(data)
        try reader.seek(to: place)
        return try reader.endedText()
    }
}
