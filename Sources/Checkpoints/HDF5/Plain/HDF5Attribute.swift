import CHDF5
import TensorCore

/// An attribute in its object's header (IV.A.2.m).
struct HDF5Attribute {
    private let type: HDF5TypeDescription
    /// Texts of any length in global heaps, not of `type`'s size.
    private let isVariable: Bool
    private let space: HDF5Dataspace
    private let values: ByteReader

    /// All attributes of an object, by their names.
    static func all(of header: HDF5Header, in blocks: HDF5Blocks) throws -> [String: HDF5Attribute] {
        var messages = header.messages.filter { $0.kind == .attribute }.map(\.body)
        if let info = try header.single(.attributeInfo) {
            var reader = info.body
            _ = try reader.expectByte(0...0, "version of the attribute info")
            if try reader.expectByte(0...3, "flags of the attribute info") & 1 != 0 { try reader.skip(2) }
            let (heap, tree) = (try reader.address(), try reader.address())
            if heap != HDF5Blocks.undefined {
                try HDF5Doubt.unless(messages.isEmpty, "attributes in two places")
                messages = try dense(heap: heap, tree: tree, in: blocks)
            }
        }
        var all: [String: HDF5Attribute] = [:]
        for message in messages {
            var reader = message
            let (name, attribute) = try named(&reader)
            try HDF5Doubt.unless(
                all.updateValue(attribute, forKey: name) == nil, "two attributes of one name")
        }
        return all
    }

    /// Attributes in a heap, found by the hashes of their names.
    private static func dense(heap: UInt64, tree: UInt64, in blocks: HDF5Blocks) throws -> [ByteReader] {
        let heap = try HDF5FractalHeap(blocks, at: heap)
        let records = try HDF5Tree2(blocks, at: tree, type: 8, recordSize: heap.idSize + 9).records
        try HDF5Doubt.unless(records.count == heap.objectCount, "attributes that cannot be found")
        return try records.map { record in
            var record = ByteReader(record)
            let message = ByteReader(try heap.object(&record))
            try record.seek(to: heap.idSize)
            // Flags of the message: not shared.
            _ = try record.expectByte(0...0, "flags of an attribute")
            return message
        }
    }

    private static func named(_ reader: inout ByteReader) throws -> (String, HDF5Attribute) {
        let version = try reader.expectByte(1...3, "version of an attribute")
        _ = try reader.expectByte(0...0, "flags of an attribute")
        let sizes = (
            name: Int(try reader.integer(UInt16.self)), type: Int(try reader.integer(UInt16.self)),
            space: Int(try reader.integer(UInt16.self))
        )
        if version == 3 { _ = try reader.expectByte(0...1, "character set") }
        func part(_ size: Int) throws -> ByteReader {
            let part = ByteReader(try reader.region(size))
            // Version 1 aligns each.
            if version == 1 { try reader.skip((8 - size & 7) & 7) }
            return part
        }
        var name = try part(sizes.name)
        let text = try name.endedText()
        try HDF5Doubt.unless(!text.isEmpty && name.isAtEnd, "an attribute's name that is not ended")
        var type = try part(sizes.type)
        let space = try HDF5Dataspace(try part(sizes.space))
        let isVariable = try type.peek() & 0x0F == HDF5TypeDescription.sequence
        let attribute = HDF5Attribute(
            type: try HDF5TypeDescription(plain: type), isVariable: isVariable, space: space,
            values: ByteReader(try reader.region(reader.remaining)))
        return (String(decoding: text, as: UTF8.self), attribute)
    }

    /// The texts; none when it holds something else.
    ///
    /// - Parameter heap: gives the text at an address and index in a global heap.
    func texts(_ heap: (_ address: UInt64, _ index: UInt32, _ count: Int) throws -> [UInt8]) throws
        -> [String]
    {
        guard type.record.kind == HDF5_TEXT_TYPE else { return [] }
        let width = isVariable ? 16 : Int(clamping: type.record.size)
        let count = space.elementCount
        try HDF5Doubt.unless(
            width > 0 && count <= values.remaining / width, "an attribute that claims more than there is")
        var reader = values
        var texts: [String] = []
        for _ in 0..<count {
            var text: [UInt8]
            if isVariable {
                let length = Int(try reader.integer(UInt32.self))
                let (address, index) = (try reader.address(), try reader.integer(UInt32.self))
                text = address == 0 ? [] : try heap(address, index, length)
            } else {
                text = try reader.bytes(width)
            }
            if let end = text.firstIndex(of: 0) { text.removeSubrange(end...) }
            texts.append(String(decoding: text, as: UTF8.self))
        }
        return texts
    }
}

/// Collections of values of any length (III.E).
struct HDF5GlobalHeaps {
    private var collections: [UInt64: [UInt32: ByteRegion]] = [:]

    mutating func text(at address: UInt64, index: UInt32, count: Int, in blocks: HDF5Blocks) throws -> [UInt8]
    {
        if collections[address] == nil { collections[address] = try Self.objects(blocks, at: address) }
        guard let object = collections[address]?[index], object.count == count else {
            throw HDF5Doubt("a text that is not in its heap")
        }
        return try object.array()
    }

    private static func objects(_ blocks: HDF5Blocks, at address: UInt64) throws -> [UInt32: ByteRegion] {
        var start = try blocks.look(address, 16)
        try start.skip(8)
        var reader = try blocks.take(address, try start.length())
        try reader.expect("GCOL")
        _ = try reader.expectByte(1...1, "version of a heap")
        try reader.skip(3 + 8)
        var objects: [UInt32: ByteRegion] = [:]
        while reader.remaining >= 16 {
            let index = try reader.integer(UInt16.self)
            try reader.skip(6)
            let size = try reader.length()
            // Index 0 is what is free, its own head included.
            if index == 0 {
                try HDF5Doubt.unless(size == reader.remaining + 16, "free space that is not at the end")
                break
            }
            let object = try reader.region(size)
            try reader.align()
            try HDF5Doubt.unless(
                objects.updateValue(object, forKey: UInt32(index)) == nil, "two texts of one index")
        }
        return objects
    }
}
