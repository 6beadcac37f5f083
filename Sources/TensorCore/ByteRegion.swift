/// A range of bytes in a file or in memory: cheap to slice, safe to share between threads.
public struct ByteRegion: Sendable {
    package enum Source: Sendable {
        case file(OpenFile)
        case heap(HeapBytes)
    }

    package let source: Source
    /// Where the region begins, in bytes from the start of its file or memory.
    package let start: Int
    /// The length in bytes.
    public let count: Int

    package init(_ file: OpenFile) {
        source = .file(file)
        start = 0
        count = file.size
    }

    package init(_ bytes: HeapBytes, count: Int) {
        source = .heap(bytes)
        start = 0
        self.count = min(count, bytes.buffer.count)
    }

    package init(_ bytes: [UInt8]) {
        self.init(HeapBytes(bytes), count: bytes.count)
    }

    private init(source: Source, start: Int, count: Int) {
        self.source = source
        self.start = start
        self.count = count
    }

    /// `count` bytes from `offset` on.
    ///
    /// - Parameters:
    ///   - offset: where the slice begins, in bytes from the start of the region.
    ///   - count: the length of the slice, in bytes.
    /// - Throws: `ByteError`, truncated, when the range does not lie inside the region.
    public func slice(_ offset: Int, _ count: Int) throws(ByteError) -> ByteRegion {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
            throw ByteError(
                .truncated, offset: start + max(0, min(offset, self.count)), needed: count,
                available: self.count - max(0, min(offset, self.count)))
        }
        return ByteRegion(source: source, start: start + offset, count: count)
    }

    /// Fills `buffer` with the bytes from `offset` on.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int = 0) throws(ByteError) {
        let range = try slice(offset, buffer.count)
        switch source {
        case .file(let file): try file.read(into: buffer, at: range.start)
        case .heap(let bytes):
            let whole = UnsafeRawBufferPointer(bytes.buffer)
            buffer.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: whole[range.start..<range.start + range.count]))
        }
    }

    /// The same bytes held in memory: a copy for a file, itself otherwise.
    package func loaded() throws(ByteError) -> ByteRegion {
        guard case .file = source else { return self }
        let bytes = HeapBytes(count: count)
        try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[0..<count]))
        return ByteRegion(bytes, count: count)
    }

    /// The bytes as an array.
    ///
    /// - Throws: `ByteError` when the file cannot be read, or has become shorter.
    public func array() throws(ByteError) -> [UInt8] {
        // The library would write the count of 0 into the one empty array that all threads share.
        guard count > 0 else { return [] }
        var failure: ByteError?
        let array = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(ByteError) {
                let bytes = UnsafeMutableRawBufferPointer(buffer)
                try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[0..<count]))
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return array
    }

    /// Lends the bytes without copying; a file is mapped for it.
    ///
    /// The pointer is valid while the region (or a copy of it) lives.
    package func pointer() throws(ByteError) -> UnsafeRawBufferPointer {
        switch source {
        case .file(let file):
            try file.mapped(start..<start + count)
        case .heap(let bytes):
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes.buffer)[start..<start + count])
        }
    }

    /// The open file and the offset in it, when the bytes lie in one.
    package var filePlace: (file: OpenFile, offset: Int)? {
        guard case .file(let file) = source else { return nil }
        return (file, start)
    }
}
