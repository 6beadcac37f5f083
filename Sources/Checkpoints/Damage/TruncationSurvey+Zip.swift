import TensorCore

/// Zip archives whose directory, which stands at the end, is gone: their members' local headers, one after another.
extension TruncationSurvey {
    static func zip(_ region: ByteRegion) throws -> Truncation? {
        guard try !ZipArchive.hasEndRecord(region) else { return nil }
        var walk = ZipWalk(region)
        try walk.run()
        let end = walk.members.last.map(\.end) ?? 0
        if let storages = walk.storages, let root = walk.root {
            let folder = root + "data/"
            let begun = walk.members.filter { $0.name.hasPrefix(folder) }.map {
                (key: String($0.name.dropFirst(folder.count)), end: $0.end)
            }
            let whole = Set(begun.filter { $0.end <= region.count }.map(\.key))
            let known = Set(begun.map(\.key))
            let damaged = (begun.map(\.key) + storages.keys).filter { !whole.contains($0) }
            let rest = storages.sizes.filter { !known.contains($0.key) }.reduce(0) { $0 &+ $1.value }
            guard rest >= 0 else { return nil }
            return Truncation(
                found: region.count, expected: max(end, region.count) &+ rest, isLeast: true,
                firstDamagedTensor: storages.firstTensor(in: damaged),
                cutPart: "the archive's directory, which stands at its end; every tensor is whole")
        }
        guard let cut = walk.cut else {
            return Truncation(
                found: region.count, expected: region.count, isLeast: true,
                cutPart: "the archive's directory, which stands at its end")
        }
        let isArray = cut.name.hasSuffix(".npy")
        return Truncation(
            found: region.count, expected: cut.end, isLeast: true,
            firstDamagedTensor: isArray ? String(cut.name.dropLast(".npy".count)) : nil,
            cutPart: "the member \(cut.name)")
    }
}

/// The members of an archive by their local headers (APPNOTE.TXT 4.3.7), as far as their lengths are told.
private struct ZipWalk {
    struct Member {
        let name: String
        let end: Int
    }

    private let region: ByteRegion
    private(set) var members: [Member] = []
    /// The storages of PyTorch's pickle, and the folder that it stands in.
    private(set) var storages: LostStorages?
    private(set) var root: String?

    private static let localHeader: UInt32 = 0x0403_4B50
    private static let descriptor: UInt32 = 0x0807_4B50
    private static let largestText = 1 << 16

    init(_ region: ByteRegion) { self.region = region }

    /// The member in which the file ends.
    var cut: Member? { members.last.flatMap { $0.end > region.count ? $0 : nil } }

    mutating func run() throws {
        var place = 0
        while place < region.count {
            var reader = ByteReader(try region.slice(place, region.count - place))
            guard (try? reader.integer(UInt32.self)) == Self.localHeader,
                let next = try? member(&reader, place)
            else { return }
            guard next > place, next < region.count else { return }
            place = next
        }
    }

    /// Enters the member at `place`, and gives where the next one begins; nil when that is not known.
    private mutating func member(_ reader: inout ByteReader, _ place: Int) throws -> Int? {
        try reader.skip(2)
        let flags = try reader.integer(UInt16.self)
        let method = try reader.integer(UInt16.self)
        try reader.skip(8)
        let compressed = try reader.integer(UInt32.self)
        let size = try reader.integer(UInt32.self)
        let nameLength = Int(try reader.integer(UInt16.self))
        let extraLength = Int(try reader.integer(UInt16.self))
        let name = String(decoding: try reader.bytes(nameLength), as: UTF8.self)
        var wide = Zip64Extra(try reader.region(extraLength))
        if size == .max { _ = try wide.next() }
        var length = compressed == .max ? try wide.next() : Int(compressed)
        let hasDescriptor = flags & 8 != 0
        let start = place + reader.position
        if name.hasSuffix("/data.pkl") || name == "data.pkl" {
            root = String(name.dropLast("data.pkl".count))
            var pickle = ByteReader(try region.slice(start, region.count - start))
            if method == 0, let graph = try? PickleMachine.run(&pickle) {
                storages = try LostStorages(graph)
                if length == 0 { length = pickle.position }
            }
        }
        if hasDescriptor, length == 0 || length == nil { length = told(name, method: method, start) }
        guard let length, start <= Int.max - length else { return nil }
        members.append(Member(name: name, end: start + length))
        guard start + length < region.count else { return nil }
        return hasDescriptor ? behindDescriptor(at: start + length) : start + length
    }

    /// The length of a member that was written as a stream, from what it holds.
    private func told(_ name: String, method: UInt16, _ start: Int) -> Int? {
        guard method == 0 else { return nil }
        if let root, let storages, name.hasPrefix(root + "data/") {
            return storages.sizes[String(name.dropFirst(root.count + "data/".count))]
        }
        guard let rest = try? region.slice(start, region.count - start) else { return nil }
        if name.hasSuffix(".npy") {
            var reader = ByteReader(rest)
            guard let header = try? NpyHeader(&reader) else { return nil }
            return TruncationSurvey.sum(reader.position, header.byteCount)
        }
        // A short text, up to the descriptor that gives its length.
        guard let text = try? rest.slice(0, min(rest.count, Self.largestText)).array() else { return nil }
        for end in 0..<max(0, text.count - 15)
        where text[end] == 0x50 && text[end + 1] == 0x4B && text[end + 2] == 7 && text[end + 3] == 8 {
            let length = text[end + 8..<end + 12].reversed().reduce(0) { $0 << 8 | Int($1) }
            if length == end { return end }
        }
        return nil
    }

    /// Behind a member's checksum and lengths, of 4 or of 8 bytes, with or without a signature (4.3.9).
    private func behindDescriptor(at place: Int) -> Int? {
        for length in [16, 24, 12, 20] {
            guard place + length + 4 <= region.count else { continue }
            var reader = ByteReader(region)
            guard (try? reader.seek(to: place + length)) != nil,
                let next = try? reader.integer(UInt32.self)
            else { continue }
            if next == Self.localHeader || next == 0x0201_4B50 { return place + length }
        }
        return nil
    }
}
