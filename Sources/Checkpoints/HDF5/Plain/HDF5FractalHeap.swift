import TensorCore

/// A heap of objects in blocks of growing size (III.F), as far as links and attributes need it: without filters, and
/// nothing larger than its blocks.
struct HDF5FractalHeap {
    /// How many bytes name an object.
    let idSize: Int
    let objectCount: Int
    private let blocks: HDF5Blocks
    private let address: UInt64
    private let hasSums: Bool
    private let width: Int
    private let startSize: Int
    private let largestDirect: Int
    /// Bytes of a place in the heap, and of a length.
    private let placeSize: Int
    private let lengthSize: Int
    /// The blocks, by their place in the heap.
    private var parts: [(place: Int, data: ByteRegion)] = []

    init(_ blocks: HDF5Blocks, at address: UInt64) throws {
        let size = 146
        var reader = try blocks.take(address, size)
        try reader.verifySum()
        try reader.expect("FRHP")
        _ = try reader.expectByte(0...0, "version of a heap")
        idSize = Int(try reader.integer(UInt16.self))
        try HDF5Doubt.unless(try reader.integer(UInt16.self) == 0, "a heap with filters")
        hasSums = try reader.expectByte(0...3, "flags of a heap") & 2 != 0
        let largestManaged = Int(try reader.integer(UInt32.self))
        // Huge objects, free space, and the place of what comes next.
        try reader.skip(7 * 8)
        objectCount = try reader.length()
        for _ in 0..<4 {
            try HDF5Doubt.unless(try reader.address() == 0, "objects beside the blocks of a heap")
        }
        width = Int(try reader.integer(UInt16.self))
        startSize = try reader.length()
        largestDirect = try reader.length()
        let bits = Int(try reader.integer(UInt16.self))
        try reader.skip(2)
        let root = try reader.address()
        let rows = Int(try reader.integer(UInt16.self))
        let isUsual = [startSize, largestDirect].allSatisfy { $0 > 0 && $0.nonzeroBitCount == 1 }
        try HDF5Doubt.unless(
            isUsual && width > 0 && startSize <= largestDirect && largestDirect <= 1 << 24 && bits <= 48
                && largestManaged > 0, "a heap of an odd size")
        placeSize = (bits + 7) / 8
        lengthSize = min(
            (largestDirect.trailingZeroBitCount + 7) / 8,
            (Int.bitWidth - largestManaged.leadingZeroBitCount - 1) / 8 + 1)
        try HDF5Doubt.unless(idSize >= 1 + placeSize + lengthSize, "names too short for their heap")
        self.blocks = blocks
        self.address = address
        if root == HDF5Blocks.undefined { return }
        if rows == 0 {
            try addDirect(root, at: 0, size: startSize)
        } else {
            try addIndirect(root, rows: rows)
        }
    }

    private mutating func addDirect(_ block: UInt64, at place: Int, size: Int) throws {
        var reader = try blocks.take(block, size)
        if hasSums { try verifySum(of: reader.region) }
        try checkHead(&reader, "FHDB", at: place)
        parts.append((place, reader.region))
    }

    private mutating func addIndirect(_ block: UInt64, rows: Int) throws {
        // Two rows of the smallest blocks, then each of twice the size of the one before.
        let directRows = (largestDirect / startSize).trailingZeroBitCount + 2
        try HDF5Doubt.unless(rows <= directRows, "a heap with blocks of blocks of blocks")
        var reader = try blocks.take(block, 13 + placeSize + 8 * rows * width + 4)
        try reader.verifySum()
        try checkHead(&reader, "FHIB", at: 0)
        var place = 0
        for row in 0..<rows {
            let size = startSize << max(0, row - 1)
            for _ in 0..<width {
                let child = try reader.address()
                if child != HDF5Blocks.undefined { try addDirect(child, at: place, size: size) }
                place += size
            }
        }
    }

    private func checkHead(_ reader: inout ByteReader, _ signature: StaticString, at place: Int) throws {
        try reader.expect(signature)
        _ = try reader.expectByte(0...0, "version of a heap's block")
        try HDF5Doubt.unless(try reader.address() == address, "a block of another heap")
        try HDF5Doubt.unless(
            try reader.number(ofSize: placeSize) == UInt64(place), "a block at another place of its heap")
    }

    /// The sum of a block of objects is taken while its own field is zero.
    private func verifySum(of block: ByteRegion) throws {
        let place = 13 + placeSize
        var bytes = try block.array()
        var reader = ByteReader(block)
        try reader.seek(to: place)
        let sum = try reader.integer(UInt32.self)
        bytes.replaceSubrange(place..<place + 4, with: repeatElement(0, count: 4))
        try HDF5Doubt.unless(HDF5Superblock.checksum(bytes) == sum, "a checksum that is wrong")
    }

    /// The object that the next bytes name.
    func object(_ id: inout ByteReader) throws -> ByteRegion {
        // Version 0, an object among others in a block.
        _ = try id.expectByte(0...0, "object of a heap of kind")
        let place = Int(clamping: try id.number(ofSize: placeSize))
        let count = Int(clamping: try id.number(ofSize: lengthSize))
        guard let part = parts.last(where: { $0.place <= place }), count > 0 else {
            throw HDF5Doubt("an object outside its heap")
        }
        return try part.data.slice(place - part.place, count)
    }
}
