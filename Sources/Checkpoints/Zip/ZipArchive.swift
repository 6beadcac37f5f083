import TensorCore

/// The directory of a zip archive (APPNOTE.TXT 6.3, with ZIP64).
///
/// Sizes come from the central directory alone: PyTorch's local headers leave them zero.
struct ZipArchive {
    struct Entry {
        let name: String
        let method: UInt16
        let isEncrypted: Bool
        let crc32: UInt32
        let compressedSize: Int
        let size: Int
        let headerOffset: Int
        /// Where what follows in the file begins, which the member does not reach into.
        fileprivate(set) var end = Int.max
    }

    let region: ByteRegion
    /// In the order of the central directory.
    let entries: [Entry]
    private let index: [ExactText: Int]

    /// Reads the central directory.
    ///
    /// - Throws: `CheckpointError` when the archive has no end record (a truncated download) or its
    ///   directory contradicts itself.
    init(_ region: ByteRegion) throws {
        self.region = region
        let directory = try Self.locateDirectory(of: region)
        var reader = ByteReader(try region.slice(directory.offset, directory.size))
        var entries: [Entry] = []
        while entries.count < directory.count {
            entries.append(try Self.entry(&reader, in: region))
        }
        guard reader.isAtEnd else {
            throw CheckpointError(
                .damaged, "the zip directory claims \(directory.count) members, but holds more",
                offset: reader.offset)
        }
        try Self.bound(&entries, by: directory.offset)
        self.entries = entries
        index = Dictionary(
            entries.indices.map { (ExactText(entries[$0].name), $0) }, uniquingKeysWith: { first, _ in first }
        )
        guard index.count == entries.count else {
            var seen: Set<ExactText> = []
            let twice = entries.first { !seen.insert(ExactText($0.name)).inserted }?.name ?? ""
            throw CheckpointError(.damaged, "the zip directory lists the member \"\(twice)\" twice")
        }
    }

    subscript(name: String) -> Entry? { index[ExactText(name)].map { entries[$0] } }

    /// The shortest local header.
    static let localHeaderSize = 30

    /// Has each member end before the next begins: of members that share their bytes, a file of any size could
    /// hold thousands.
    private static func bound(_ entries: inout [Entry], by directory: Int) throws {
        let order = entries.indices.sorted { entries[$0].headerOffset < entries[$1].headerOffset }
        for (place, index) in order.enumerated() {
            let next = place + 1 < order.count ? order[place + 1] : nil
            let end = next.map { entries[$0].headerOffset } ?? directory
            let entry = entries[index]
            guard end - entry.headerOffset - localHeaderSize >= entry.compressedSize else {
                let what =
                    next.map { "overlaps the member \"\(entries[$0].name)\"" } ?? "reaches into the directory"
                throw CheckpointError(.damaged, "it \(what)", part: entry.name, offset: entry.headerOffset)
            }
            entries[index].end = end
        }
    }

    // MARK: Directory

    private struct Directory {
        var offset: Int
        var size: Int
        var count: Int
    }

    private static func locateDirectory(of region: ByteRegion) throws -> Directory {
        let tailSize = min(region.count, longestEnd)
        let tailStart = region.count - tailSize
        let tail = try region.slice(tailStart, tailSize).array()
        guard let end = lastEndRecord(in: tail) else {
            throw CheckpointError(
                .damaged,
                "a zip archive without its directory, which stands at the end: the download was probably cut short "
                    + "(found \(region.count) bytes)")
        }
        var reader = ByteReader(try region.slice(tailStart + end, tailSize - end))
        try reader.skip(4)
        let disk = try reader.integer(UInt16.self)
        let directoryDisk = try reader.integer(UInt16.self)
        try reader.skip(2)
        var directory = Directory(offset: 0, size: 0, count: Int(try reader.integer(UInt16.self)))
        directory.size = Int(try reader.integer(UInt32.self))
        directory.offset = Int(try reader.integer(UInt32.self))
        guard (disk == 0 || disk == 0xFFFF) && (directoryDisk == 0 || directoryDisk == 0xFFFF) else {
            throw CheckpointError(.unsupported, "a zip archive split over several files")
        }
        var directoryEnd = tailStart + end
        let isFull =
            directory.count == 0xFFFF || directory.size == 0xFFFF_FFFF || directory.offset == 0xFFFF_FFFF
        if let zip64 = try zip64Directory(of: region, endRecord: directoryEnd) {
            directory = zip64.directory
            directoryEnd = zip64.start
        } else if isFull {
            throw CheckpointError(.damaged, "a ZIP64 archive without its ZIP64 end record")
        }
        guard directory.offset >= 0, directory.size >= 0, directory.offset <= directoryEnd,
            directory.size <= directoryEnd - directory.offset
        else {
            throw CheckpointError(
                .damaged,
                "the zip directory is said to stand at \(directory.offset) with \(directory.size) bytes, "
                    + "outside the file of \(region.count) bytes")
        }
        // Each member takes 46 bytes or more in the directory.
        guard directory.count >= 0, directory.count <= directory.size / 46 else {
            throw CheckpointError(
                .damaged, "a zip directory of \(directory.size) bytes cannot list \(directory.count) members")
        }
        guard directory.count <= mostEntries else {
            throw CheckpointError(
                .unsupported, "a zip archive of \(directory.count) members; at most \(mostEntries) are read")
        }
        return directory
    }

    /// PyTorch keeps a member for each tensor, and some beside.
    private static let mostEntries = CheckpointContents.mostEntries + 1000

    /// The end record has 22 bytes and a comment of at most 65,535.
    private static let longestEnd = 22 + 65_535

    /// Whether the record is there with which every archive ends.
    static func hasEndRecord(_ region: ByteRegion) throws -> Bool {
        let size = min(region.count, longestEnd)
        return lastEndRecord(in: try region.slice(region.count - size, size).array()) != nil
    }

    private static func lastEndRecord(in tail: [UInt8]) -> Int? {
        guard tail.count >= 22 else { return nil }
        for start in stride(from: tail.count - 22, through: 0, by: -1)
        where tail[start] == 0x50 && tail[start + 1] == 0x4B && tail[start + 2] == 5 && tail[start + 3] == 6 {
            let comment = Int(tail[start + 20]) | Int(tail[start + 21]) << 8
            if start + 22 + comment <= tail.count { return start }
        }
        return nil
    }

    private static func zip64Directory(
        of region: ByteRegion, endRecord: Int
    ) throws -> (directory: Directory, start: Int)? {
        guard endRecord >= 20 else { return nil }
        var locator = ByteReader(try region.slice(endRecord - 20, 20))
        guard try locator.integer(UInt32.self) == 0x0706_4B50 else { return nil }
        try locator.skip(4)
        let start = try locator.size()
        guard start <= endRecord - 20 else {
            throw CheckpointError(
                .damaged, "the ZIP64 end record is said to stand at \(start), outside the file")
        }
        var reader = ByteReader(try region.slice(start, endRecord - 20 - start))
        guard try reader.integer(UInt32.self) == 0x0606_4B50 else {
            throw CheckpointError(.damaged, "expected a ZIP64 end record", offset: start)
        }
        try reader.skip(8 + 2 + 2 + 4 + 4 + 8)
        let count = try reader.size()
        let size = try reader.size()
        return (Directory(offset: try reader.size(), size: size, count: count), start)
    }

    private static func entry(_ reader: inout ByteReader, in region: ByteRegion) throws -> Entry {
        let start = reader.offset
        guard try reader.integer(UInt32.self) == 0x0201_4B50 else {
            throw CheckpointError(.damaged, "expected a member's entry in the zip directory", offset: start)
        }
        try reader.skip(4)
        let flags = try reader.integer(UInt16.self)
        let method = try reader.integer(UInt16.self)
        try reader.skip(4)
        let crc32 = try reader.integer(UInt32.self)
        let compressed = try reader.integer(UInt32.self)
        let size = try reader.integer(UInt32.self)
        let nameLength = Int(try reader.integer(UInt16.self))
        let extraLength = Int(try reader.integer(UInt16.self))
        let commentLength = Int(try reader.integer(UInt16.self))
        try reader.skip(8)
        let header = try reader.integer(UInt32.self)
        let name = String(decoding: try reader.bytes(nameLength), as: UTF8.self)
        var wide = Zip64Extra(try reader.region(extraLength))
        try reader.skip(commentLength)
        // The ZIP64 extra field holds, in this order, just those values that do not fit.
        let fullSize = size == .max ? try wide.next() : Int(size)
        let fullCompressed = compressed == .max ? try wide.next() : Int(compressed)
        let fullHeader = header == .max ? try wide.next() : Int(header)
        guard let fullSize, let fullCompressed, let fullHeader else {
            throw CheckpointError(.damaged, "the ZIP64 sizes are missing", part: name, offset: start)
        }
        guard fullHeader <= region.count, fullCompressed <= region.count - fullHeader else {
            throw CheckpointError(
                .damaged,
                "expected \(fullCompressed) bytes from \(fullHeader) on, but the file has \(region.count)",
                part: name)
        }
        return Entry(
            name: name, method: method, isEncrypted: flags & 1 != 0, crc32: crc32,
            compressedSize: fullCompressed,
            size: fullSize, headerOffset: fullHeader)
    }
}

/// The values of a ZIP64 extended information field (header 0x0001), one after another.
struct Zip64Extra {
    private var values: ByteReader?

    init(_ extra: ByteRegion) {
        var reader = ByteReader(extra)
        while let kind = try? reader.integer(UInt16.self), let size = try? reader.integer(UInt16.self),
            let field = try? reader.region(Int(size))
        {
            if kind == 1 {
                values = ByteReader(field)
                return
            }
        }
    }

    mutating func next() throws -> Int? { try values?.size() }
}

extension ByteReader {
    /// A 64-bit size or offset that fits an `Int`.
    mutating func size() throws -> Int {
        let start = offset
        let value = try integer(UInt64.self)
        guard let size = Int(exactly: value) else {
            throw CheckpointError(.damaged, "a size of \(value) bytes", offset: start)
        }
        return size
    }
}
