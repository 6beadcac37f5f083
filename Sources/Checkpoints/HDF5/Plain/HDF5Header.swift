import CHDF5
import TensorCore

/// The messages that describe an object (IV.A.1).
struct HDF5Header {
    /// A message of a kind that is known (IV.A.2).
    enum Kind: UInt16 {
        case empty = 0x00
        case dataspace = 0x01
        case linkInfo = 0x02
        case datatype = 0x03
        case oldFillValue = 0x04
        case fillValue = 0x05
        case link = 0x06
        case layout = 0x08
        case groupInfo = 0x0A
        case filters = 0x0B
        case attribute = 0x0C
        case continuation = 0x10
        case symbolTable = 0x11
        case modificationTime = 0x12
        case attributeInfo = 0x15
        case referenceCount = 0x16
    }

    struct Message {
        let kind: Kind
        /// The address of the body.
        let address: UInt64
        let body: ByteReader
    }

    private(set) var messages: [Message] = []
    /// How many links lead to the object, by its own account.
    private(set) var references = 1
    private(set) var kind = HDF5_OTHER_OBJECT

    init(_ blocks: HDF5Blocks, at address: UInt64) throws {
        var start = try blocks.look(address, 16)
        if try start.peek() == 1 {
            try readOld(blocks, at: address, &start)
        } else {
            try readNew(blocks, at: address, &start)
        }
        kind = try objectKind()
        try checkOthers()
    }

    func has(_ kind: Kind) -> Bool { messages.contains { $0.kind == kind } }

    /// The message of a kind that must be there once.
    func only(_ kind: Kind) throws -> ByteReader { try onlyMessage(kind).body }

    func onlyMessage(_ kind: Kind) throws -> Message {
        guard let message = try single(kind) else { throw HDF5Doubt("no message \(kind)") }
        return message
    }

    /// The message of a kind that may be there once.
    func single(_ kind: Kind) throws -> Message? {
        guard let first = messages.firstIndex(where: { $0.kind == kind }) else { return nil }
        try HDF5Doubt.unless(
            !messages[(first + 1)...].contains { $0.kind == kind },
            "messages \(kind) that may contradict one another")
        return messages[first]
    }

    /// Kinds as bits.
    private static func bits(_ kinds: Kind...) -> UInt32 { kinds.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }
    private static let common = bits(.attribute, .attributeInfo, .modificationTime)
    private static let oldGroup = bits(.symbolTable)
    private static let newGroup = bits(.linkInfo, .groupInfo, .link)
    private static let type = bits(.datatype)
    private static let dataset = bits(.dataspace, .datatype, .layout)
    private static let furtherDataset = bits(.oldFillValue, .fillValue, .filters)

    private func objectKind() throws -> hdf5_object_kind {
        let kinds = messages.reduce(0) { $0 | 1 << UInt32($1.kind.rawValue) } & ~Self.common
        if kinds == Self.oldGroup { return HDF5_GROUP }
        if kinds & ~Self.newGroup == 0, has(.linkInfo) { return HDF5_GROUP }
        if kinds & ~Self.furtherDataset == Self.dataset { return HDF5_DATASET }
        if kinds == Self.type { return HDF5_NAMED_TYPE }
        throw HDF5Doubt("an object that is not of one kind")
    }

    /// Messages that say nothing of interest here are not damaged either.
    private func checkOthers() throws {
        if var time = try single(.modificationTime)?.body {
            _ = try time.expectByte(1...1, "version of a time")
            try time.skip(7)
        }
        if var info = try single(.groupInfo)?.body {
            _ = try info.expectByte(0...0, "version of the group info")
            let flags = try info.expectByte(0...3, "flags of the group info")
            try info.skip((flags & 1 != 0 ? 4 : 0) + (flags & 2 != 0 ? 4 : 0))
        }
    }

    // MARK: Version 1

    private mutating func readOld(_ blocks: HDF5Blocks, at address: UInt64, _ start: inout ByteReader) throws
    {
        try start.skip(2)
        let count = Int(try start.integer(UInt16.self))
        references = Int(try start.integer(UInt32.self))
        let size = Int(try start.integer(UInt32.self))
        var reader = try blocks.take(address, 16 + size)
        try reader.skip(16)
        var pieces = [(address: address + 16, reader: reader)]
        var found = 0
        var next = 0
        while next < pieces.count {
            let place = pieces[next].address
            var reader = pieces[next].reader
            let start = reader.position
            next += 1
            while !reader.isAtEnd {
                let type = try reader.integer(UInt16.self)
                let size = Int(try reader.integer(UInt16.self))
                let flags = try reader.byte()
                try reader.skip(3)
                try HDF5Doubt.unless(size % 8 == 0, "a message that is not aligned")
                let position = UInt64(reader.position - start)
                let body = ByteReader(try reader.region(size))
                try append(type, flags, body, at: place + position)
                found += 1
                if let more = try continuation() {
                    pieces.append((more.address, try blocks.take(more.address, more.count)))
                }
            }
        }
        try HDF5Doubt.unless(found == count, "\(found) messages of \(count)")
    }

    // MARK: Version 2

    private mutating func readNew(_ blocks: HDF5Blocks, at address: UInt64, _ start: inout ByteReader) throws
    {
        try start.expect("OHDR")
        _ = try start.expectByte(2...2, "header version")
        let flags = try start.expectByte(0...0x3F, "header flags")
        var prefix = 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
        let width = 1 << Int(flags & 3)
        var whole = try blocks.look(address, prefix + width)
        try whole.skip(prefix)
        let size = try whole.number(ofSize: width)
        prefix += width
        try HDF5Doubt.unless(size <= 1 << 32, "a header of \(size) bytes")
        var pieces = [(address: address, prefix: prefix, count: prefix + Int(size) + 4)]
        var next = 0
        while next < pieces.count {
            let piece = pieces[next]
            next += 1
            var reader = try blocks.take(piece.address, piece.count)
            try reader.verifySum()
            if next > 1 { try reader.expect("OCHK") }
            try reader.seek(to: piece.prefix)
            let head = flags & 4 != 0 ? 6 : 4
            // What is too short for a message is a gap.
            while reader.remaining - 4 >= head {
                let type = UInt16(try reader.byte())
                let size = Int(try reader.integer(UInt16.self))
                let messageFlags = try reader.byte()
                try reader.skip(head - 4)
                try HDF5Doubt.unless(size <= reader.remaining - 4, "a message beyond its block")
                let place = piece.address + UInt64(reader.position)
                try append(type, messageFlags, ByteReader(try reader.region(size)), at: place)
                if let more = try continuation() {
                    try HDF5Doubt.unless(more.count >= 8, "a continuation without room")
                    pieces.append((more.address, 4, more.count))
                }
            }
        }
        if let count = try single(.referenceCount) {
            messages.removeAll { $0.kind == .referenceCount }
            var body = count.body
            _ = try body.expectByte(0...0, "version of the reference count")
            references = Int(try body.integer(UInt32.self))
        }
    }

    // MARK: Messages

    private mutating func append(_ type: UInt16, _ flags: UInt8, _ body: ByteReader, at address: UInt64)
        throws
    {
        guard let kind = Kind(rawValue: type) else { throw HDF5Doubt("a message of type \(type)") }
        // Constant, not to be shared, and what writers are to do that do not know the message (bits 0, 2, 3, 4).
        try HDF5Doubt.unless(flags & ~0x1D == 0, "a message with the flags \(flags)")
        if kind != .empty { messages.append(Message(kind: kind, address: address, body: body)) }
    }

    /// Where the last message says that more stand.
    private mutating func continuation() throws -> (address: UInt64, count: Int)? {
        guard let last = messages.last, last.kind == .continuation else { return nil }
        messages.removeLast()
        var body = last.body
        return (try body.address(), try body.length())
    }
}
