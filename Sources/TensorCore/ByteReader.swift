/// A cursor over bytes from a stranger: every step is checked, nothing is read past the end.
///
/// It reads a file through a small window, so that walking over gigabytes of payload costs no memory.
public struct ByteReader {
    /// What is being read.
    package let region: ByteRegion
    /// The place of the next byte, from the start of the region.
    public private(set) var position = 0
    private var window: HeapBytes?
    private var windowRange = 0..<0
    /// Headers here and there cost a small window each; who reads on gets larger ones.
    private var nextWindowSize = smallestWindowSize
    private static let smallestWindowSize = 512
    private static let largestWindowSize = 32 << 10

    /// A cursor at the start of a region.
    public init(_ region: ByteRegion) {
        self.region = region
    }

    /// The number of bytes not yet read.
    public var remaining: Int { region.count - position }
    package var isAtEnd: Bool { position >= region.count }
    /// The place of the next byte, from the start of the file: for messages.
    package var offset: Int { region.start + position }

    package func truncated(_ needed: Int) -> ByteError {
        ByteError(.truncated, offset: offset, needed: needed, available: remaining)
    }

    /// Continues at `position`, which may be the end.
    ///
    /// - Parameter position: in bytes from the start of the region.
    /// - Throws: `ByteError`, truncated, when that is no place in the region.
    public mutating func seek(to position: Int) throws(ByteError) {
        guard position >= 0, position <= region.count else {
            throw ByteError(
                .truncated, offset: region.start + region.count, needed: max(0, position) - region.count,
                available: 0)
        }
        self.position = position
    }

    /// Leaves out the next `count` bytes.
    ///
    /// - Parameter count: how many; none are read.
    /// - Throws: `ByteError`, truncated, when there are fewer.
    public mutating func skip(_ count: Int) throws(ByteError) {
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
        if position > windowRange.upperBound { nextWindowSize = Self.smallestWindowSize }
        let length = min(nextWindowSize, remaining)
        let window: HeapBytes
        // A copy of this reader may still look through the same window.
        let isOwn = isKnownUniquelyReferenced(&self.window)
        if isOwn, let current = self.window, current.buffer.count >= length {
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
    ///
    /// - Throws: `ByteError`, truncated, at the end; as all that reads, also when the system cannot.
    public mutating func byte() throws(ByteError) -> UInt8 {
        let value = try ahead(1).load(as: UInt8.self)
        position += 1
        return value
    }

    /// The next byte, which stays unread.
    package mutating func peek() throws(ByteError) -> UInt8 {
        try ahead(1).load(as: UInt8.self)
    }

    /// An integer of fixed width, little-endian unless said otherwise.
    ///
    /// - Parameters:
    ///   - type: its type, which says how many bytes it takes.
    ///   - bigEndian: whether the highest byte comes first.
    /// - Throws: `ByteError`, truncated, when there are fewer bytes.
    @_specialize(where T == UInt16)  // Generic code is several times as slow.
    @_specialize(where T == UInt32)
    @_specialize(where T == UInt64)
    public mutating func integer<T: FixedWidthInteger>(
        _ type: T.Type, bigEndian: Bool = false
    ) throws(ByteError) -> T {
        let width = T.bitWidth / 8
        let value = try ahead(width).loadUnaligned(as: T.self)
        position += width
        return bigEndian ? T(bigEndian: value) : T(littleEndian: value)
    }

    /// The next `count` bytes as a slice, uncopied.
    ///
    /// - Parameter count: how many.
    /// - Throws: `ByteError`, truncated, when there are fewer.
    public mutating func region(_ count: Int) throws(ByteError) -> ByteRegion {
        guard count >= 0, count <= remaining else { throw truncated(count) }
        let slice = try region.slice(position, count)
        position += count
        return slice
    }

    /// The next `count` bytes; nothing is allocated when they are not there.
    ///
    /// - Parameter count: how many.
    /// - Throws: `ByteError`, truncated, when there are fewer.
    public mutating func bytes(_ count: Int) throws(ByteError) -> [UInt8] {
        if count >= 0, count <= 256 {
            let start = try ahead(count)
            position += count
            return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
        }
        return try region(count).array()
    }

    /// The next `count` bytes as text in UTF-8.
    ///
    /// - Parameter count: how many.
    /// - Throws: `ByteError`, truncated, when there are fewer, and when they are no text.
    public mutating func text(_ count: Int) throws(ByteError) -> String {
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
