import CZlib
import TensorCore

extension Inflate {
    /// As much of a stream as can be inflated, damaged or not, up to `limit` bytes; its checksum is not looked at.
    ///
    /// Python has run the beginning of a pickle before it comes to where the stream breaks off.
    static func readable(_ source: ByteRegion, limit: Int) throws -> (bytes: ByteRegion, isWhole: Bool) {
        let piece = 64 << 10
        let output = HeapBytes(count: piece)
        let input = HeapBytes(count: piece)
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            throw CheckpointError(.inaccessible, "zlib cannot be started")
        }
        defer { inflateEnd(&stream) }
        var consumed = 0
        var bytes: [UInt8] = []
        while bytes.count < limit {
            if stream.avail_in == 0 {
                let count = min(piece, source.count - consumed)
                try source.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: input.buffer[0..<count]), at: consumed)
                consumed += count
                stream.next_in = input.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_in = UInt32(count)
            }
            stream.next_out = output.buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(piece)
            let status = inflate(&stream, Z_NO_FLUSH)
            let count = piece - Int(stream.avail_out)
            bytes += UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output.buffer)[0..<count])
            if status == Z_STREAM_END { return (ByteRegion(bytes), true) }
            let isStuck = count == 0 && stream.avail_in == 0 && consumed == source.count
            guard status == Z_OK || status == Z_BUF_ERROR, !isStuck else { break }
        }
        return (ByteRegion(bytes), false)
    }
}
