import CDeflate
import CZlib
import TensorCore

/// Raw deflate streams (RFC 1951) through libdeflate, which takes half the time for whole members, or zlib.
enum Inflate {
    private static let window = 256 << 10
    /// The sizes of members for which libdeflate is worth its loading, and for which stream and result together are
    /// little enough to be held.
    private static let heldWhole = (64 << 10)...(32 << 20)

    /// The first bytes of a stream of `size` bytes, at most 64 KiB, from no more than `length` bytes of it.
    static func beginning(
        _ source: ByteRegion, of size: Int, from length: Int, member: String
    ) throws -> ByteRegion {
        let result = HeapBytes(count: min(size, 64 << 10))
        let input = try source.slice(0, min(source.count, length)).loaded()
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            throw CheckpointError(.inaccessible, "zlib cannot be started", part: member)
        }
        defer { inflateEnd(&stream) }
        let bytes = UnsafeMutableRawBufferPointer(mutating: try input.pointer())
        stream.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_in = UInt32(input.count)
        stream.next_out = result.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(min(size, 64 << 10))
        let status = inflate(&stream, Z_SYNC_FLUSH)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
            throw CheckpointError(.damaged, "the deflated bytes are damaged at their start", part: member)
        }
        return ByteRegion(result, count: min(size, 64 << 10) - Int(stream.avail_out))
    }

    /// Inflates a stream that must hold exactly `size` bytes.
    static func whole(_ source: ByteRegion, size: Int, crc32 expected: UInt32, member: String) throws
        -> ByteRegion
    {
        if heldWhole.contains(size), source.count <= heldWhole.upperBound,
            let bytes = try atOnce(source, size: size, crc32: expected)
        {
            return bytes
        }
        return try inPieces(source, size: size, crc32: expected, member: member)
    }

    /// The same through libdeflate; nil where it is not installed, and for a damaged stream, whose damage zlib tells.
    static func atOnce(_ source: ByteRegion, size: Int, crc32 expected: UInt32) throws -> ByteRegion? {
        guard deflate_has_library() else { return nil }
        let input = try source.loaded()
        let stream = try input.pointer()
        let result = HeapBytes(count: size)
        let isWhole = withExtendedLifetime(input) {
            deflate_inflate(stream.baseAddress, stream.count, result.buffer.baseAddress, size)
        }
        let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(result.buffer)[0..<size])
        guard isWhole, CRC32.value(of: bytes) == expected else { return nil }
        return ByteRegion(result, count: size)
    }

    /// The same through zlib, which needs no more of the stream than a window.
    static func inPieces(_ source: ByteRegion, size: Int, crc32 expected: UInt32, member: String) throws
        -> ByteRegion
    {
        let result = HeapBytes(count: size)
        let input = HeapBytes(count: window)
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            throw CheckpointError(.inaccessible, "zlib cannot be started", part: member)
        }
        defer { inflateEnd(&stream) }
        var consumed = 0
        var produced = 0
        var checksum = CZlib.crc32(0, nil, 0)
        // One byte of room beyond the end shows a stream that holds more than it should.
        var overflow: UInt8 = 0
        while true {
            if stream.avail_in == 0 {
                let count = min(window, source.count - consumed)
                try source.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: input.buffer[0..<count]), at: consumed)
                consumed += count
                stream.next_in = input.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_in = UInt32(count)
            }
            let room = min(size - produced, Int(Int32.max))
            let status: Int32
            if room > 0 {
                let target = result.buffer.baseAddress?.advanced(by: produced).assumingMemoryBound(
                    to: UInt8.self)
                stream.next_out = target
                stream.avail_out = UInt32(room)
                status = inflate(&stream, Z_NO_FLUSH)
                let count = room - Int(stream.avail_out)
                checksum = CZlib.crc32(checksum, target, UInt32(count))
                produced += count
            } else {
                status = withUnsafeMutablePointer(to: &overflow) {
                    stream.next_out = $0
                    stream.avail_out = 1
                    return inflate(&stream, Z_NO_FLUSH)
                }
                guard stream.avail_out == 1 else {
                    throw CheckpointError(
                        .damaged, "inflates to more than the \(size) bytes claimed", part: member)
                }
            }
            if status == Z_STREAM_END { break }
            guard status == Z_OK || status == Z_BUF_ERROR, stream.avail_in > 0 || consumed < source.count
            else {
                throw CheckpointError(
                    .damaged, "the deflated bytes are damaged after \(produced) of \(size) bytes",
                    part: member)
            }
        }
        guard produced == size else {
            throw CheckpointError(.damaged, "inflates to \(produced) bytes, expected \(size)", part: member)
        }
        guard UInt32(truncatingIfNeeded: checksum) == expected else {
            throw CheckpointError(
                .damaged, "the checksum (CRC-32) does not match: the bytes were changed", part: member)
        }
        return ByteRegion(result, count: size)
    }
}
