import TensorCore

/// The links of a group in the new style: messages in its header or, when there are many, in a heap (IV.A.2.c, IV.A.2.g).
enum HDF5LinkMessages {
    static func links(of header: HDF5Header, in blocks: HDF5Blocks) throws -> [HDF5Link] {
        var info = try header.only(.linkInfo)
        _ = try info.expectByte(0...0, "version of the link info")
        let flags = try info.expectByte(0...3, "flags of the link info")
        if flags & 1 != 0 { try info.skip(8) }
        let (heap, tree) = (try info.address(), try info.address())
        var entries: [Entry]
        if heap == HDF5Blocks.undefined {
            entries = try header.messages.filter { $0.kind == .link }.map { try Entry($0.body) }
        } else {
            try HDF5Doubt.unless(!header.has(.link), "links in two places")
            entries = try dense(heap: heap, tree: tree, in: blocks)
        }
        // By name, unless the group keeps the order of creation (bit 0).
        entries.sort { $0.link.name.lexicographicallyPrecedes($1.link.name) }
        for (one, other) in zip(entries, entries.dropFirst()) {
            try HDF5Doubt.unless(one.link.name != other.link.name, "two links of one name")
        }
        guard flags & 1 != 0 else { return entries.map(\.link) }
        let ordered = try entries.map { entry in
            guard let order = entry.order else { throw HDF5Doubt("a link without its place in the order") }
            return (order: order, link: entry.link)
        }.sorted { $0.order < $1.order }
        for (one, other) in zip(ordered, ordered.dropFirst()) {
            try HDF5Doubt.unless(one.order < other.order, "two links at one place in the order")
        }
        return ordered.map(\.link)
    }

    /// Links in a heap, found by the hashes of their names.
    private static func dense(heap: UInt64, tree: UInt64, in blocks: HDF5Blocks) throws -> [Entry] {
        let heap = try HDF5FractalHeap(blocks, at: heap)
        let records = try HDF5Tree2(blocks, at: tree, type: 5, recordSize: 4 + heap.idSize).records
        try HDF5Doubt.unless(records.count == heap.objectCount, "links that cannot be found")
        return try records.map { record in
            var record = ByteReader(record)
            let hash = try record.integer(UInt32.self)
            let entry = try Entry(ByteReader(try heap.object(&record)))
            try HDF5Doubt.unless(
                HDF5Superblock.checksum(entry.link.name) == hash, "a name with the hash of another")
            return entry
        }
    }

    /// A link message.
    private struct Entry {
        let link: HDF5Link
        private(set) var order: Int64?

        init(_ message: ByteReader) throws {
            var reader = message
            _ = try reader.expectByte(1...1, "version of a link")
            let flags = try reader.expectByte(0...0x1F, "flags of a link")
            let type = flags & 8 != 0 ? try reader.byte() : 0
            if flags & 4 != 0 { order = try reader.integer(Int64.self) }
            if flags & 16 != 0 { _ = try reader.expectByte(0...1, "character set") }
            let length = Int(clamping: try reader.number(ofSize: 1 << Int(flags & 3)))
            let name = try reader.bytes(length)
            try HDF5LinkMessages.check(name)
            switch type {
            case 0: link = HDF5Link(name: name, target: .object(address: try reader.address()))
            case 1:
                let target = try reader.bytes(Int(try reader.integer(UInt16.self)))
                try HDF5Doubt.unless(!target.isEmpty && !target.contains(0), "a link to a path with a zero")
                link = HDF5Link(name: name, target: .soft(String(decoding: target, as: UTF8.self)))
            case 64:
                var value = ByteReader(try reader.region(Int(try reader.integer(UInt16.self))))
                _ = try value.expectByte(0...0, "version of an external link")
                let (file, path) = (try value.endedText(), try value.endedText())
                try HDF5Doubt.unless(value.isAtEnd, "an external link with more than a file and a path")
                link = HDF5Link(
                    name: name,
                    target: .external(
                        file: String(decoding: file, as: UTF8.self),
                        path: String(decoding: path, as: UTF8.self)))
            default: throw HDF5Doubt("a link of type \(type)")
            }
        }
    }

    /// Other names cannot be found by a path.
    static func check(_ name: [UInt8]) throws {
        try HDF5Doubt.unless(
            !name.isEmpty && !name.contains(0) && !name.contains(UInt8(ascii: "/"))
                && name != [UInt8(ascii: ".")], "a name that is no part of a path")
    }
}
