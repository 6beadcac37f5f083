import TensorCore

/// What keeps a file from being plainly right: libhdf5 is then to read it, and to say what is wrong, if anything.
struct HDF5Doubt: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    static func unless(_ isRight: Bool, _ reason: @autoclosure () -> String) throws(HDF5Doubt) {
        guard isRight else { throw HDF5Doubt(reason()) }
    }
}

/// The blocks of a file that hold its structure.
///
/// In a file that is right no two of them overlap, so that each is taken once and all of them together are no longer
/// than the file. This alone ends every walk in circles.
final class HDF5Blocks {
    /// From the superblock to the end that it gives; addresses count from its start.
    let region: ByteRegion
    private var taken: Set<UInt64> = []
    private var left: Int

    /// Pages that were read, each in the place that its number has among so many: blocks are small, and those of one
    /// object often stand together.
    private var pages = [(number: Int, bytes: ByteRegion)?](repeating: nil, count: 128)
    private static let pageSize = 4096
    /// No structure that is worth the memory is longer.
    private static let longest = 64 << 20

    init(_ region: ByteRegion) {
        self.region = region
        left = region.count
    }

    static let undefined = UInt64.max

    /// The next block of the structure.
    func take(_ address: UInt64, _ count: Int) throws -> ByteReader {
        try HDF5Doubt.unless(taken.insert(address).inserted, "a block that belongs to two structures")
        try HDF5Doubt.unless(count <= left, "more blocks than the file holds")
        left -= count
        return try look(address, count)
    }

    /// The beginning of a block, to learn its length.
    func look(_ address: UInt64, _ count: Int) throws -> ByteReader {
        try check(address, count)
        try HDF5Doubt.unless(count <= Self.longest, "a block of \(count) bytes")
        let offset = Int(address)
        let (number, start) = offset.quotientAndRemainder(dividingBy: Self.pageSize)
        guard start + count <= Self.pageSize else { return ByteReader(try read(offset, count)) }
        let slot = number % pages.count
        if let page = pages[slot], page.number == number {
            return ByteReader(try page.bytes.slice(start, count))
        }
        let page = try read(offset - start, min(Self.pageSize, region.count - (offset - start)))
        pages[slot] = (number, page)
        return ByteReader(try page.slice(start, count))
    }

    private func read(_ offset: Int, _ count: Int) throws(ByteError) -> ByteRegion {
        let bytes = HeapBytes(count: count)
        try region.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[0..<count]), at: offset)
        return ByteRegion(bytes, count: count)
    }

    /// That the file has these bytes.
    func check(_ address: UInt64, _ count: Int) throws(HDF5Doubt) {
        try HDF5Doubt.unless(
            count >= 0 && address <= UInt64(region.count) && count <= region.count - Int(address),
            "\(count) bytes at \(address), outside the file")
    }
}

extension ByteReader {
    mutating func expect(_ signature: StaticString) throws {
        let found = try bytes(signature.utf8CodeUnitCount)
        let isFound = signature.withUTF8Buffer { found.elementsEqual($0) }
        try HDF5Doubt.unless(isFound, "no \(signature)")
    }

    /// A length or count of the file that fits ours.
    mutating func length() throws -> Int {
        guard let length = Int(exactly: try integer(UInt64.self)) else {
            throw HDF5Doubt("a length beyond all")
        }
        return length
    }

    mutating func address() throws(ByteError) -> UInt64 { try integer(UInt64.self) }

    /// A number of so many bytes, little-endian, as formats give it that save space.
    mutating func number(ofSize size: Int) throws(ByteError) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<size { value |= UInt64(try byte()) << UInt64(8 * place) }
        return value
    }

    mutating func expectByte(_ values: ClosedRange<UInt8>, _ what: String) throws -> UInt8 {
        let value = try byte()
        try HDF5Doubt.unless(values.contains(value), "\(what) \(value)")
        return value
    }

    /// Goes to a multiple of 8 bytes from `start`.
    mutating func align(from start: Int = 0) throws {
        try skip((8 - (position - start) & 7) & 7)
    }

    /// A text up to the zero that ends it, which must be there.
    mutating func endedText() throws -> [UInt8] {
        var text: [UInt8] = []
        while true {
            let next = try byte()
            if next == 0 { return text }
            text.append(next)
        }
    }

    /// That the last four bytes of the region are the checksum of those before.
    func verifySum() throws {
        let count = region.count - 4
        try HDF5Doubt.unless(count >= 0, "no checksum")
        var end = ByteReader(try region.slice(count, 4))
        let sum = HDF5Superblock.checksum(try region.slice(0, count).pointer())
        try HDF5Doubt.unless(try end.integer(UInt32.self) == sum, "a checksum that is wrong")
    }
}
