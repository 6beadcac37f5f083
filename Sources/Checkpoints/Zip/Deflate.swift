import CZlib
import Synchronization
import TensorCore

/// Deflates a stream (RFC 1951) in blocks, each on a core of its own and primed with the bytes before it, as pigz does.
///
/// Blocks are cut by size alone, so that the result does not depend on the number of cores.
final class Deflate {
    private static let level: Int32 = 6
    /// How far back a deflate stream can refer.
    private static let windowSize = 32 << 10
    private static let blockSize = 512 << 10
    private static let blocksAtOnce = 8
    /// More than zlib's own bound for a block, with the flush that ends it on a byte.
    private static let blockBound = blockSize + blockSize / 64 + 1024

    /// The window, then the bytes to be deflated next.
    private let input = HeapBytes(count: windowSize + blocksAtOnce * blockSize)
    private let output = HeapBytes(count: blocksAtOnce * blockBound)
    private var filled = 0
    /// How much of the window holds bytes of this stream.
    private var history = 0
    private(set) var checksum = CRC32()
    private let write: (UnsafeRawBufferPointer) throws -> Void

    /// - Parameter write: takes the deflated bytes.
    init(_ write: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.write = write }

    /// What `count` bytes may grow to at most.
    static func bound(_ count: Int) -> Int { count + count / 64 + 1024 }

    /// Takes on more of the stream.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let room = Self.blocksAtOnce * Self.blockSize - filled
            let count = min(room, bytes.count - done)
            let start = Self.windowSize + filled
            UnsafeMutableRawBufferPointer(rebasing: input.buffer[start..<start + count]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[done..<done + count]))
            filled += count
            done += count
            if filled == Self.blocksAtOnce * Self.blockSize { try deflateBlocks() }
        }
    }

    /// Ends the stream.
    func finish() throws {
        try deflateBlocks()
        // An empty block of fixed codes, marked as the last.
        try [0x03, 0x00].withUnsafeBytes(write)
    }

    private func deflateBlocks() throws {
        let blocks = (filled + Self.blockSize - 1) / Self.blockSize
        let (input, output, filled, history) = (input, output, filled, history)
        let results = Mutex([Result](repeating: Result(checksum: 0, count: nil), count: blocks))
        Parallel.forEach(blocks) { block in
            let start = Self.windowSize + block * Self.blockSize
            let count = min(Self.blockSize, filled - block * Self.blockSize)
            let known = min(Self.windowSize, history + block * Self.blockSize)
            let source = UnsafeRawBufferPointer(rebasing: input.buffer[start..<start + count])
            let dictionary = UnsafeRawBufferPointer(rebasing: input.buffer[start - known..<start])
            let target = UnsafeMutableRawBufferPointer(
                rebasing: output.buffer[block * Self.blockBound..<(block + 1) * Self.blockBound])
            let result = Result(
                checksum: CRC32.value(of: source),
                count: Self.deflated(source, dictionary: dictionary, into: target))
            results.withLock { $0[block] = result }
        }
        for (block, result) in results.withLock({ $0 }).enumerated() {
            guard let count = result.count else {
                throw CheckpointError(.inaccessible, "zlib cannot deflate: no memory for it")
            }
            checksum.append(result.checksum, count: min(Self.blockSize, filled - block * Self.blockSize))
            let start = block * Self.blockBound
            try write(UnsafeRawBufferPointer(rebasing: output.buffer[start..<start + count]))
        }
        self.history = min(Self.windowSize, history + filled)
        // The last bytes become the window of the next block; memmove allows them to overlap it.
        let end = Self.windowSize + filled
        UnsafeMutableRawBufferPointer(
            rebasing: input.buffer[Self.windowSize - self.history..<Self.windowSize]
        ).copyMemory(from: UnsafeRawBufferPointer(rebasing: input.buffer[end - self.history..<end]))
        self.filled = 0
    }

    private struct Result {
        let checksum: UInt32
        /// The length of the deflated bytes; nil when zlib failed.
        let count: Int?
    }

    /// Deflates one block, ended on a byte's boundary so that others can follow.
    private static func deflated(
        _ source: UnsafeRawBufferPointer, dictionary: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        func pointer(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
            UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        if !dictionary.isEmpty {
            guard deflateSetDictionary(&stream, pointer(dictionary), UInt32(dictionary.count)) == Z_OK else {
                return nil
            }
        }
        stream.next_in = pointer(source)
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(target.count)
        // Room left over means that all was flushed.
        guard deflate(&stream, Z_SYNC_FLUSH) == Z_OK, stream.avail_in == 0, stream.avail_out > 0 else {
            return nil
        }
        return target.count - Int(stream.avail_out)
    }
}
