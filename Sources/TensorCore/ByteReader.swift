/// A cursor over bytes from a stranger: every step is checked, nothing is read past the end.
///
/// It reads a file through a small window, so that walking over gigabytes of payload costs no memory.
package struct ByteReader {
    /// What is being read.
    package let region: ByteRegion
    /// The place of the next byte, from the start of the region.
    package private(set) var position = 0
    private var window: HeapBytes?
    private var windowRange = 0..<0
    /// Headers here and there cost a small window each; who reads on gets larger ones.
    private var nextWindowSize = 512
    private static let largestWindowSize = 32 << 10

    package init(_ region: ByteRegion) {
        self.region = region
    }

    /// The number of bytes not yet read.
    package var remaining: Int { region.count - position }
    package var isAtEnd: Bool { position >= region.count }
    /// The place of the next byte, from the start of the file: for messages.
    package var offset: Int { region.start + position }

    package func truncated(_ needed: Int) -> ByteError {
        ByteError(.truncated, offset: offset, needed: needed, available: remaining)
    }

    /// Continues at `position`, which may be the end.
    package mutating func seek(to position: Int) throws(ByteError) {
        guard position >= 0, position <= region.count else {
            throw ByteError(
                .truncated, offset: region.start + region.count, needed: max(0, position) - region.count,
                available: 0)
        }
        self.position = position
    }

    package mutating func skip(_ count: Int) throws(ByteError) {
        guard count >= 0, count <= remaining else { throw truncated(count) }
        position += count
    }

    /// Makes the window cover the next `count` bytes (at most 512) and gives their address.
    private mutating func ahead(_ count: Int) throws(ByteError) -> UnsafeRawPointer {
        guard count <= remaining else { throw truncated(count) }
        if case .heap(let bytes) = region.source {
            return UnsafeRawPointer(bytes.buffer.baseAddress.unsafelyUnwrapped) + region.start + position
        }
        if let window, position >= windowRange.lowerBound, position + count <= windowRange.upperBound {
            return UnsafeRawPointer(window.buffer.baseAddress.unsafelyUnwrapped)
                + (position - windowRange.lowerBound)
        }
        let length = min(nextWindowSize, remaining)
        let window: HeapBytes
        if let current = self.window, current.buffer.count >= length {
            window = current
        } else {
            window = HeapBytes(count: length)
        }
        nextWindowSize = min(8 * nextWindowSize, Self.largestWindowSize)
        windowRange = 0..<0
        self.window = window
        try region.read(
            into: UnsafeMutableRawBufferPointer(rebasing: window.buffer[0..<length]), at: position)
        windowRange = position..<position + length
        return UnsafeRawPointer(window.buffer.baseAddress.unsafelyUnwrapped)
    }

    /// The next byte.
    package mutating func byte() throws(ByteError) -> UInt8 {
        let value = try ahead(1).load(as: UInt8.self)
        position += 1
        return value
    }

    /// The next byte, which stays unread.
    package mutating func peek() throws(ByteError) -> UInt8 {
        try ahead(1).load(as: UInt8.self)
    }

    /// An integer of fixed width, little-endian unless said otherwise.
    // Other modules would otherwise run the generic code, which takes several times as long.
    @_specialize(where T == UInt16)
    @_specialize(where T == UInt32)
    @_specialize(where T == UInt64)
    package mutating func integer<T: FixedWidthInteger>(
        _ type: T.Type, bigEndian: Bool = false
    ) throws(ByteError) -> T {
        let width = T.bitWidth / 8
        let value = try ahead(width).loadUnaligned(as: T.self)
        position += width
        return bigEndian ? T(bigEndian: value) : T(littleEndian: value)
    }

    /// The next `count` bytes as a slice, uncopied.
    package mutating func region(_ count: Int) throws(ByteError) -> ByteRegion {
        guard count >= 0, count <= remaining else { throw truncated(count) }
        let slice = try region.slice(position, count)
        position += count
        return slice
    }

    /// The next `count` bytes; nothing is allocated when they are not there.
    package mutating func bytes(_ count: Int) throws(ByteError) -> [UInt8] {
        if count >= 0, count <= 256 {
            let start = try ahead(count)
            position += count
            return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
        }
        return try region(count).array()
    }

    /// The next `count` bytes as text.
    package mutating func text(_ count: Int) throws(ByteError) -> String {
        let start = offset
        guard let text = String(validating: try bytes(count), as: UTF8.self) else {
            throw ByteError(.notText, offset: start)
        }
        return text
    }

    /// The bytes up to the next `\n`, which is consumed and left out.
    package mutating func line(limit: Int = 1 << 20) throws(ByteError) -> [UInt8] {
        var line: [UInt8] = []
        while true {
            let next = try byte()
            if next == UInt8(ascii: "\n") { return line }
            line.append(next)
            guard line.count <= limit else {
                throw ByteError(.truncated, offset: offset, needed: 1, available: 0)
            }
        }
    }
}
