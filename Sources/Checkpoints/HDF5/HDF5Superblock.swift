import TensorCore

/// The first record of an HDF5 file (HDF5 File Format Specification 3.0, section II.A).
enum HDF5Superblock {
    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Where the superblock stands: at 0, or after a user block of 512, 1024, 2048 … bytes.
    static func offset(in region: ByteRegion) throws(ByteError) -> Int? {
        var offset = 0
        while offset <= region.count - signature.count {
            if try region.slice(offset, signature.count).array() == signature { return offset }
            offset = offset == 0 ? 512 : offset * 2
        }
        return nil
    }

    /// The superblock as it would be had its writer closed the file, when it did not; else nil.
    ///
    /// A writer that ended without closing leaves its flag set, and the library then refuses a file whose
    /// contents may be whole. What is not whole is found out on reading. Only versions 2 and 3 are
    /// checked by the library, and have a checksum.
    static func closed(_ region: ByteRegion, at offset: Int) throws(ByteError) -> [UInt8]? {
        var reader = ByteReader(try region.slice(offset, region.count - offset))
        try reader.skip(signature.count)
        let version = try reader.byte()
        guard version == 2 || version == 3 else { return nil }
        let offsetSize = Int(try reader.byte())
        let size = 12 + 4 * offsetSize
        guard size + 4 <= reader.region.count else { return nil }
        var bytes = try reader.region.slice(0, size).array()
        try reader.seek(to: size)
        guard bytes[11] != 0, try reader.integer(UInt32.self) == checksum(bytes) else { return nil }
        bytes[11] = 0
        return bytes + withUnsafeBytes(of: checksum(bytes).littleEndian) { [UInt8]($0) }
    }

    /// Bob Jenkins's lookup3 (`hashlittle` with initial value 0), the checksum of HDF5's metadata.
    static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes(checksum) }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var a = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count)
        var (b, c) = (a, a)
        var place = 0
        func word(_ index: Int) -> UInt32 {
            let start = place + 4 * index
            if start + 4 <= bytes.count {
                return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
            }
            var word: UInt32 = 0
            for (shift, byte) in bytes.dropFirst(start).enumerated() {
                word |= UInt32(byte) << UInt32(8 * shift)
            }
            return word
        }
        func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
        while bytes.count - place > 12 {
            (a, b, c) = (a &+ word(0), b &+ word(1), c &+ word(2))
            a = (a &- c) ^ rotated(c, 4); c = c &+ b
            b = (b &- a) ^ rotated(a, 6); a = a &+ c
            c = (c &- b) ^ rotated(b, 8); b = b &+ a
            a = (a &- c) ^ rotated(c, 16); c = c &+ b
            b = (b &- a) ^ rotated(a, 19); a = a &+ c
            c = (c &- b) ^ rotated(b, 4); b = b &+ a
            place += 12
        }
        guard place < bytes.count else { return c }
        (a, b, c) = (a &+ word(0), b &+ word(1), c &+ word(2))
        c = (c ^ b) &- rotated(b, 14)
        a = (a ^ c) &- rotated(c, 11)
        b = (b ^ a) &- rotated(a, 25)
        c = (c ^ b) &- rotated(b, 16)
        a = (a ^ c) &- rotated(c, 4)
        b = (b ^ a) &- rotated(a, 14)
        c = (c ^ b) &- rotated(b, 24)
        return c
    }
}
