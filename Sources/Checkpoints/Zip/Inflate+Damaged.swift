import CZlib
import TensorCore

extension Inflate {
    /// As much of a stream as can be inflated, damaged or not, up to `limit` bytes; its checksum is not looked at.
    ///
    /// Python has run the beginning of a pickle before it comes to where the stream breaks off.
    static func readable(_ source: ByteRegion, limit: Int) throws -> (bytes: ByteRegion, isWhole: Bool) {
        let piece = max(1, min(64 << 10, source.count))
        let input = HeapBytes(count: piece)
        // Nothing inflates to more than 1,032 times its size; of this room only the pages that are written to exist.
        let room = max(1, min(limit, 1032 * source.count + 1024))
        let output = HeapBytes(count: room)
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            throw CheckpointError(.inaccessible, "zlib cannot be started")
        }
        defer { inflateEnd(&stream) }
        var consumed = 0
        var count = 0
        while count < room {
            if stream.avail_in == 0 {
                let length = min(piece, source.count - consumed)
                try source.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: input.buffer[0..<length]), at: consumed)
                consumed += length
                stream.next_in = input.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_in = UInt32(length)
            }
            let available = min(room - count, 1 << 20)
            stream.next_out = (output.buffer.baseAddress.map { $0 + count })?
                .assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(available)
            let status = inflate(&stream, Z_NO_FLUSH)
            let written = available - Int(stream.avail_out)
            count += written
            if status == Z_STREAM_END { return (ByteRegion(output, count: count), true) }
            let isStuck = written == 0 && stream.avail_in == 0 && consumed == source.count
            guard status == Z_OK || status == Z_BUF_ERROR, !isStuck else { break }
        }
        return (ByteRegion(output, count: count), false)
    }
}
