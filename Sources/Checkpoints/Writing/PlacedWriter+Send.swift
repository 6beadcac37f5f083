import TensorCore

extension PlacedWriter {
    /// Writes the first `count` bytes of the file to a stream.
    ///
    /// Where nobody reads the stream any more, SIGPIPE ends the process, as it does others.
    func send(_ count: Int, to stream: Int32) throws(CheckpointError) {
        let bytes = HeapBytes(count: min(max(count, 1), 1 << 20))
        var offset = 0
        do throws(ByteError) {
            let file = try OpenFile(duplicating: descriptor, path: path)
            while offset < count {
                let length = min(bytes.buffer.count, count - offset)
                let piece = UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[0..<length])
                try file.read(into: piece, at: offset)
                var done = 0
                while done < piece.count {
                    let written = platformWrite(
                        stream, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(piece)[done...]))
                    if written < 0, errno == EINTR { continue }
                    guard written > 0 else { throw ByteError(.system(errno), offset: offset + done) }
                    done += written
                }
                offset += piece.count
            }
        } catch {
            guard case .system(let code) = error.kind else { throw CheckpointError(error, path: path) }
            throw failure(code, at: error.offset)
        }
    }
}

private func platformWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
