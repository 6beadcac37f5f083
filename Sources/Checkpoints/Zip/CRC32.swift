import CDeflate
import CZlib
import Synchronization
import TensorCore

/// The checksum of zip archives, computed as the bytes pass by; long pieces on all cores.
struct CRC32 {
    private(set) var value: UInt32 = 0
    private static let blockSize = 512 << 10
    /// From how many bytes on libdeflate, which is several times as fast as zlib, is worth looking for.
    private static let worthLoading = 64 << 10

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > Self.blockSize else { return append(Self.value(of: bytes), count: bytes.count) }
        let blocks = (bytes.count + Self.blockSize - 1) / Self.blockSize
        let values = Mutex([UInt32](repeating: 0, count: blocks))
        // The address travels as a number, since a pointer is not Sendable; the bytes outlive the call.
        let address = UInt(bitPattern: bytes.baseAddress)
        let count = bytes.count
        Parallel.forEach(blocks) { block in
            let start = block * Self.blockSize
            let piece = UnsafeRawBufferPointer(
                start: UnsafeRawPointer(bitPattern: address + UInt(start)),
                count: min(Self.blockSize, count - start))
            let value = Self.value(of: piece)
            values.withLock { $0[block] = value }
        }
        for (block, value) in values.withLock({ $0 }).enumerated() {
            append(value, count: min(Self.blockSize, count - block * Self.blockSize))
        }
    }

    /// Takes on `count` bytes whose own checksum is `other`.
    mutating func append(_ other: UInt32, count: Int) {
        value = UInt32(truncatingIfNeeded: crc32_combine(UInt(value), UInt(other), count))
    }

    /// The checksum of bytes by themselves; at most 4 GiB.
    static func value(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var value: UInt32 = 0
        if bytes.count >= worthLoading, deflate_crc32(&value, bytes.baseAddress, bytes.count) { return value }
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return UInt32(truncatingIfNeeded: crc32(0, start, UInt32(bytes.count)))
    }
}
