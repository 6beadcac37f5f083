import TensorCore

/// Writes a zip archive (APPNOTE.TXT 6.3) member by member: no times, so that the same members give the same bytes.
///
/// ZIP64 records stand only where a size or a place needs them, for readers that do not know them.
struct ZipWriter {
    private let file: AtomicFile
    private var directory: [UInt8] = []
    private var names: Set<String> = []

    init(to file: AtomicFile) { self.file = file }

    /// How a member's bytes stand in the file.
    enum Method {
        /// As they are, from a multiple of `alignment` on.
        case stored(alignment: Int)
        case deflated
    }

    /// Appends a member.
    ///
    /// - Parameters:
    ///   - size: how many bytes `contents` gives.
    ///   - contents: hands the bytes to the function it is given, piece by piece.
    /// - Throws: `CheckpointError` when the name is too long or was used before, whatever `contents` throws, and
    ///   what writing the file throws.
    mutating func add(
        _ name: String, size: Int, method: Method = .stored(alignment: 1),
        contents: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        guard names.insert(name).inserted else {
            throw CheckpointError(.unsupported, "an archive cannot hold two members of one name", part: name)
        }
        guard name.utf8.count <= 0xFFFF else {
            throw CheckpointError(
                .unsupported, "a name of \(name.utf8.count) bytes, more than a zip archive allows", part: name
            )
        }
        let file = file
        var member = Member(name: Array(name.utf8), start: file.count, size: size, method: method)
        try file.write(member.localHeader)
        let dataStart = file.count
        var written = 0
        switch method {
        case .stored:
            var checksum = CRC32()
            try contents { bytes in
                checksum.update(bytes)
                written += bytes.count
                try file.write(bytes)
            }
            member.checksum = checksum.value
        case .deflated:
            let stream = Deflate { try file.write($0) }
            try contents { bytes in
                written += bytes.count
                try stream.append(bytes)
            }
            try stream.finish()
            member.checksum = stream.checksum.value
        }
        guard written == size else {
            throw CheckpointError(.damaged, "expected \(size) bytes, found \(written)", part: name)
        }
        member.storedSize = file.count - dataStart
        // The checksum and the deflated size stand before the bytes that they are made of.
        try file.overwrite(member.localHeader, at: member.start)
        directory += member.directoryEntry
    }

    /// Appends a member of a few bytes.
    mutating func add(_ name: String, _ bytes: [UInt8], alignment: Int = 1) throws {
        try add(name, size: bytes.count, method: .stored(alignment: alignment)) { write in
            try bytes.withUnsafeBytes(write)
        }
    }

    /// Appends the directory, which ends the archive.
    mutating func finish() throws {
        let start = file.count
        let count = names.count
        try file.write(directory)
        let isWide = count >= 0xFFFF || Self.isWide(directory.count) || Self.isWide(start)
        if isWide {
            var record = littleEndian(0x0606_4B50 as UInt32, 44 as UInt64, Self.wideVersion, Self.wideVersion)
            record += littleEndian(0 as UInt32, 0 as UInt32, UInt64(count), UInt64(count))
            record += littleEndian(UInt64(directory.count), UInt64(start))
            record += littleEndian(0x0706_4B50 as UInt32, 0 as UInt32, UInt64(file.count), 1 as UInt32)
            try file.write(record)
        }
        let narrowCount = UInt16(clamping: count)
        try file.write(
            littleEndian(0x0605_4B50 as UInt32, 0 as UInt32, narrowCount, narrowCount)
                + littleEndian(UInt32(clamping: directory.count), UInt32(clamping: start), 0 as UInt16))
    }

    /// The version of the specification that ZIP64 came with.
    private static let wideVersion: UInt16 = 45

    /// Whether a size or place does not fit its 32 bits, of which the largest value says so.
    private static func isWide(_ value: Int) -> Bool { value >= 0xFFFF_FFFF }

    /// A member's records.
    private struct Member {
        let name: [UInt8]
        let start: Int
        let size: Int
        let isDeflated: Bool
        /// Told before the deflated size is known, so that the header keeps its length.
        let hasWideSizes: Bool
        let padding: [UInt8]
        var storedSize: Int
        var checksum: UInt32 = 0

        init(name: [UInt8], start: Int, size: Int, method: Method) {
            self.name = name
            self.start = start
            self.size = size
            storedSize = size
            let header = 30 + name.count
            switch method {
            case .stored(let alignment):
                isDeflated = false
                hasWideSizes = ZipWriter.isWide(size)
                padding = Self.padding(start + header + (hasWideSizes ? 20 : 0), to: alignment)
            case .deflated:
                isDeflated = true
                hasWideSizes = ZipWriter.isWide(Deflate.bound(size))
                padding = []
            }
        }

        /// An extra field, of the kind that PyTorch uses, that puts the data on a multiple of `alignment`.
        private static func padding(_ end: Int, to alignment: Int) -> [UInt8] {
            guard !end.isMultiple(of: alignment) else { return [] }
            let length = alignment - (end + 4) % alignment
            let count = length == alignment ? 0 : length
            return littleEndian(0x4246 as UInt16, UInt16(count)) + [UInt8](repeating: 0x5A, count: count)
        }

        /// From the version needed up to the checksum: times are those of the first of January 1980.
        private func common(isWide: Bool) -> [UInt8] {
            // Bit 11: the name is UTF-8, which need not be said of ASCII.
            let flags: UInt16 = name.allSatisfy { $0 < 0x80 } ? 0 : 1 << 11
            return littleEndian(isWide ? ZipWriter.wideVersion : 20, flags, isDeflated ? 8 : 0 as UInt16)
                + littleEndian(0 as UInt16, 0x0021 as UInt16, checksum)
        }

        private func narrow(_ value: Int) -> UInt32 { hasWideSizes ? .max : UInt32(clamping: value) }

        var localHeader: [UInt8] {
            var extra: [UInt8] = []
            if hasWideSizes {
                extra = littleEndian(1 as UInt16, 16 as UInt16, UInt64(size), UInt64(storedSize))
            }
            extra += padding
            return littleEndian(0x0403_4B50 as UInt32) + common(isWide: hasWideSizes)
                + littleEndian(narrow(storedSize), narrow(size))
                + littleEndian(UInt16(name.count), UInt16(extra.count)) + name + extra
        }

        var directoryEntry: [UInt8] {
            var wide: [UInt8] = []
            if hasWideSizes { wide += littleEndian(UInt64(size), UInt64(storedSize)) }
            if ZipWriter.isWide(start) { wide += littleEndian(UInt64(start)) }
            let extra = wide.isEmpty ? [] : littleEndian(1 as UInt16, UInt16(wide.count)) + wide
            let version: UInt16 = wide.isEmpty ? 20 : ZipWriter.wideVersion
            return littleEndian(0x0201_4B50 as UInt32, version) + common(isWide: !wide.isEmpty)
                + littleEndian(narrow(storedSize), narrow(size))
                + littleEndian(UInt16(name.count), UInt16(extra.count), 0 as UInt16, 0 as UInt16)
                + littleEndian(0 as UInt16, 0 as UInt32, UInt32(clamping: start)) + name + extra
        }
    }
}

/// Integers one after another, least significant byte first.
private func littleEndian<each Value: FixedWidthInteger>(_ values: repeat each Value) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in repeat each values {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
    return bytes
}
