import TensorCore

/// A zip archive as it lies in a file, whether or not it agrees with itself.
///
/// ``ZipArchive`` refuses what is ambiguous. This looks at everything that a directory lists and at what lies
/// between, since Python's `zipfile`, PyTorch's own reader and other tools do not agree on what an archive is.
struct ZipSurvey {
    struct Member {
        let name: String
        let method: UInt16
        let isEncrypted: Bool
        let size: Int
        /// From the local header to the last byte of data, in the file.
        let range: Range<Int>
        /// As stored; nil when there is no local header where the directory says.
        let data: ByteRegion?
        /// The name in the local header.
        let localName: String?
        let isListed: Bool
    }

    private(set) var members: [Member] = []
    /// What lies in the file outside of members, directory and end record.
    private(set) var gaps: [Range<Int>] = []
    /// Where the archive's first byte would be, by its own offsets.
    let start: Int
    /// Behind the comment of the end record.
    let end: Int
    let comment: Range<Int>
    /// Whether the directory could be read to its end.
    private(set) var isWhole = true
    /// Whether it lists more members than are looked at.
    private(set) var isCut = false
    private let region: ByteRegion

    /// The archives that the last 64 KiB of a file end: the last one is what most tools read.
    static func all(in region: ByteRegion) -> [ZipSurvey] {
        let size = min(region.count, longestEnd)
        guard size >= 22, let tail = try? region.slice(region.count - size, size).array() else { return [] }
        var found: [ZipSurvey] = []
        var room = mostMembers
        for place in 0...(size - 22)
        where tail[place] == 0x50 && tail[place + 1] == 0x4B && tail[place + 2] == 5 && tail[place + 3] == 6 {
            if let survey = try? ZipSurvey(region, endRecord: region.count - size + place, room: room) {
                room -= survey.members.count
                found.append(survey)
            }
            if found.count == mostArchives { break }
        }
        return found
    }

    /// An end record with the longest comment.
    static let longestEnd = 22 + 65_535
    private static let mostArchives = 16
    /// About what reading the entry of one costs, counted in bytes.
    static let memberSize = 256
    /// Of all archives together; each takes some 450 bytes, beside what the scan of a pickle keeps.
    private static let mostMembers = 57_344

    /// UTF-8 bytes of the names of one archive's members.
    private static let largestNames = 4 << 20

    private init?(_ region: ByteRegion, endRecord: Int, room: Int) throws {
        self.region = region
        var reader = ByteReader(try region.slice(endRecord, region.count - endRecord))
        try reader.skip(10)
        var count = Int(try reader.integer(UInt16.self))
        var size = Int(try reader.integer(UInt32.self))
        var offset = Int(try reader.integer(UInt32.self))
        let commentLength = Int(try reader.integer(UInt16.self))
        end = min(endRecord + 22 + commentLength, region.count)
        comment = min(endRecord + 22, end)..<end
        var directoryEnd = endRecord
        if endRecord >= 20 {
            var locator = ByteReader(try region.slice(endRecord - 20, 20))
            if try locator.integer(UInt32.self) == 0x0706_4B50 {
                try locator.skip(4)
                let stated = try locator.size()
                // Bytes before the archive move the record; it stands right before its locator then.
                for place in [stated, endRecord - 20 - 56] where place >= 0 && place + 56 <= endRecord - 20 {
                    var record = ByteReader(try region.slice(place, 56))
                    guard try record.integer(UInt32.self) == 0x0606_4B50 else { continue }
                    try record.skip(28)
                    count = try record.size()
                    size = try record.size()
                    offset = try record.size()
                    directoryEnd = place
                    break
                }
            }
        }
        let (place, overflow) = directoryEnd.subtractingReportingOverflow(size)
        guard !overflow, place >= 0, size >= 0, offset >= 0, offset <= place, count <= size / 46 else {
            return nil
        }
        start = place - offset
        guard count > 0 || size == 0 else { return nil }
        if count > 0 {
            var first = ByteReader(try region.slice(place, 4))
            guard try first.integer(UInt32.self) == 0x0201_4B50 else { return nil }
        }
        readDirectory(at: place, size: size, count: count, room: room)
        findGaps(directory: place..<end)
    }

    private mutating func readDirectory(at place: Int, size: Int, count: Int, room: Int) {
        guard let bytes = try? region.slice(place, size) else { return }
        var reader = ByteReader(bytes)
        var names = 0
        for _ in 0..<count {
            guard members.count < room, names < Self.largestNames else {
                isCut = true
                return
            }
            guard let member = try? member(&reader) else {
                isWhole = false
                return
            }
            names += member.name.utf8.count + (member.localName?.utf8.count ?? 0)
            members.append(member)
        }
        isWhole = reader.isAtEnd
    }

    private func member(_ reader: inout ByteReader) throws -> Member? {
        guard try reader.integer(UInt32.self) == 0x0201_4B50 else { return nil }
        try reader.skip(4)
        let flags = try reader.integer(UInt16.self)
        let method = try reader.integer(UInt16.self)
        try reader.skip(8)
        var compressed = Int(try reader.integer(UInt32.self))
        var size = Int(try reader.integer(UInt32.self))
        let nameLength = Int(try reader.integer(UInt16.self))
        let extraLength = Int(try reader.integer(UInt16.self))
        let commentLength = Int(try reader.integer(UInt16.self))
        try reader.skip(8)
        var offset = Int(try reader.integer(UInt32.self))
        let name = String(decoding: try reader.bytes(nameLength), as: UTF8.self)
        var wide = Zip64Extra(try reader.region(extraLength))
        try reader.skip(commentLength)
        if size == 0xFFFF_FFFF { size = try wide.next() ?? size }
        if compressed == 0xFFFF_FFFF { compressed = try wide.next() ?? compressed }
        if offset == 0xFFFF_FFFF { offset = try wide.next() ?? offset }
        let (header, overflow) = offset.addingReportingOverflow(start)
        let local = overflow ? nil : try? localHeader(at: header)
        let data = try? local.map { try region.slice($0.data, min(compressed, region.count - $0.data)) }
        let from = overflow ? region.count : min(header, region.count)
        return Member(
            name: name, method: method, isEncrypted: flags & 1 != 0, size: size,
            range: from..<max(from, local.map { min($0.data + (data?.count ?? 0), region.count) } ?? from),
            data: data,
            localName: local?.name, isListed: true)
    }

    private func localHeader(at offset: Int) throws -> (
        name: String, data: Int, method: UInt16, size: Int, compressed: Int
    )? {
        var reader = ByteReader(try region.slice(offset, region.count - offset))
        guard try reader.integer(UInt32.self) == 0x0403_4B50 else { return nil }
        try reader.skip(4)
        let method = try reader.integer(UInt16.self)
        try reader.skip(8)
        let compressed = Int(try reader.integer(UInt32.self))
        let size = Int(try reader.integer(UInt32.self))
        let nameLength = Int(try reader.integer(UInt16.self))
        let extraLength = Int(try reader.integer(UInt16.self))
        let name = String(decoding: try reader.bytes(nameLength), as: UTF8.self)
        try reader.skip(extraLength)
        return (name, offset + reader.position, method, size, compressed)
    }

    /// Between members at most a data descriptor of up to 24 bytes is customary.
    private mutating func findGaps(directory: Range<Int>) {
        var place = 0
        for range in members.map(\.range).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > place, !isDescriptor(place..<range.lowerBound) {
                gaps.append(place..<range.lowerBound)
            }
            place = max(place, range.upperBound)
        }
        if place < directory.lowerBound, !isDescriptor(place..<directory.lowerBound) {
            gaps.append(place..<directory.lowerBound)
        }
        if end < region.count { gaps.append(end..<region.count) }
        for gap in gaps { if let hidden = unlisted(in: gap) { members.append(hidden) } }
    }

    private func isDescriptor(_ gap: Range<Int>) -> Bool {
        guard gap.lowerBound > 0, (12...24).contains(gap.count),
            let start = try? region.slice(gap.lowerBound, 4).array()
        else { return false }
        return start == [0x50, 0x4B, 7, 8] || gap.count == 12 || gap.count == 20
    }

    /// A member in a gap, which the directory does not list.
    private func unlisted(in gap: Range<Int>) -> Member? {
        guard let local = try? localHeader(at: gap.lowerBound), local.data <= gap.upperBound else {
            return nil
        }
        let room = gap.upperBound - local.data
        let count = local.compressed > 0 ? min(local.compressed, room) : room
        return Member(
            name: local.name, method: local.method, isEncrypted: false, size: local.size, range: gap,
            data: try? region.slice(local.data, count), localName: local.name, isListed: false)
    }

    /// Whether the other archive is a part of this one: one of its members, stored as it is.
    func contains(_ other: ZipSurvey) -> Bool {
        members.contains {
            $0.isListed && $0.range.lowerBound <= other.start && other.end <= $0.range.upperBound
        }
    }

    /// Listed members that share bytes with another.
    var overlapping: [Member] {
        var end = 0
        var found: [Member] = []
        for member in members.filter(\.isListed).sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            if member.range.lowerBound < end, !member.range.isEmpty { found.append(member) }
            end = max(end, member.range.upperBound)
        }
        return found
    }
}
