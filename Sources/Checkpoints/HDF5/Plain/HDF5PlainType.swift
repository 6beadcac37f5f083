import CHDF5
import TensorCore

extension HDF5TypeDescription {
    /// The class of sequences and of texts of any length.
    static let sequence: UInt8 = 9

    /// A datatype message (IV.A.2.d).
    init(plain message: ByteReader) throws {
        var reader = message
        try self.init(&reader, memberOffset: 0, depth: 0)
    }

    private init(_ reader: inout ByteReader, memberOffset: UInt64, depth: Int) throws {
        try HDF5Doubt.unless(depth <= Int(HDF5_DEEPEST_TYPE), "types within types within types")
        let start = try reader.byte()
        let (version, kind) = (start >> 4, start & 0x0F)
        try HDF5Doubt.unless((1...3).contains(version), "version \(version) of a type")
        let flags = UInt32(truncatingIfNeeded: try reader.number(ofSize: 3))
        var type = hdf5_type()
        type.size = UInt64(try reader.integer(UInt32.self))
        type.member_offset = memberOffset
        try HDF5Doubt.unless(type.size > 0, "a type of no bytes")
        var parts: [HDF5TypeDescription] = []
        switch kind {
        case 0, 4: try Self.readInteger(&reader, flags, isSigned: kind == 0, &type)
        case 1: try Self.readFloat(&reader, flags, &type)
        case 2:
            type.kind = HDF5_TIME
            try reader.skip(2)
        case 3:
            try HDF5Doubt.unless(flags & 0x0F <= 2 && flags >> 4 <= 1, "a text with the flags \(flags)")
            type.kind = HDF5_TEXT_TYPE
        case 5: try Self.readTag(&reader, flags, &type)
        case 6: parts = try Self.readMembers(&reader, flags, version, &type, depth)
        case 7:
            try HDF5Doubt.unless(flags <= 1, "a reference of kind \(flags)")
            type.kind = HDF5_REFERENCE
        case 8: parts = try Self.readEnumeration(&reader, flags, version, &type, depth)
        case Self.sequence:
            try HDF5Doubt.unless(flags & 0x0F <= 1 && type.size == 16, "a sequence with the flags \(flags)")
            type.kind = flags & 0x0F == 1 ? HDF5_TEXT_TYPE : HDF5_SEQUENCE
            let base = try Self(&reader, memberOffset: 0, depth: depth + 1).record
            // Of a text, characters; of others, no more than a type that is written out here can have.
            try HDF5Doubt.unless(
                base.size <= (type.kind == HDF5_TEXT_TYPE ? 1 : 1 << 16),
                "a sequence of \(base.size) bytes each")
        case 10: parts = try Self.readArray(&reader, version, &type, depth)
        default: throw HDF5Doubt("a type of class \(kind)")
        }
        record = type
        self.parts = parts
    }

    // MARK: Numbers

    private static func readInteger(
        _ reader: inout ByteReader, _ flags: UInt32, isSigned: Bool, _ type: inout hdf5_type
    ) throws {
        try HDF5Doubt.unless(flags & ~0x0F == 0, "integers with the flags \(flags)")
        type.kind = isSigned ? HDF5_INTEGER : HDF5_BIT_FIELD
        type.is_big_endian = flags & 1
        type.is_signed = isSigned ? flags >> 3 & 1 : 0
        try readBits(&reader, &type)
    }

    private static func readBits(_ reader: inout ByteReader, _ type: inout hdf5_type) throws {
        type.bit_offset = UInt64(try reader.integer(UInt16.self))
        type.precision = UInt64(try reader.integer(UInt16.self))
        try HDF5Doubt.unless(
            type.precision > 0 && type.bit_offset + type.precision <= 8 * type.size,
            "\(type.precision) bits at bit \(type.bit_offset) of \(type.size) bytes")
    }

    private static func readFloat(
        _ reader: inout ByteReader, _ flags: UInt32, _ type: inout hdf5_type
    ) throws {
        // Bit 6 is for the VAX; bits 4 and 5 tell whether the highest bit of the mantissa is left out.
        try HDF5Doubt.unless(flags & ~0xFF3F == 0 && flags >> 4 & 3 <= 2, "floats with the flags \(flags)")
        type.kind = HDF5_FLOAT
        type.is_big_endian = flags & 1
        type.has_hidden_bit = flags >> 4 & 3 == 2 ? 1 : 0
        type.sign_place = UInt64(flags >> 8)
        try readBits(&reader, &type)
        type.exponent_place = UInt64(try reader.byte())
        type.exponent_size = UInt64(try reader.byte())
        type.mantissa_place = UInt64(try reader.byte())
        type.mantissa_size = UInt64(try reader.byte())
        type.bias = UInt64(try reader.integer(UInt32.self))
        let bits = type.precision
        try HDF5Doubt.unless(
            type.exponent_size > 0 && type.mantissa_size > 0 && type.sign_place < bits
                && type.exponent_place + type.exponent_size <= bits
                && type.mantissa_place + type.mantissa_size <= bits, "the parts of a float outside it")
    }

    // MARK: Others

    private static func readTag(_ reader: inout ByteReader, _ flags: UInt32, _ type: inout hdf5_type) throws {
        try HDF5Doubt.unless(flags <= 0xFF, "opaque bytes with the flags \(flags)")
        type.kind = HDF5_OPAQUE
        let tag = try reader.bytes(Int(flags)).prefix { $0 != 0 }
        withUnsafeMutableBytes(of: &type.tag) { $0.copyBytes(from: tag.prefix($0.count - 1)) }
    }

    /// A name, which older versions align.
    private static func name(_ reader: inout ByteReader, _ version: UInt8) throws -> [UInt8] {
        let start = reader.position
        let name = try reader.endedText()
        if version < 3 { try reader.align(from: start) }
        return name
    }

    private static func readMembers(
        _ reader: inout ByteReader, _ flags: UInt32, _ version: UInt8, _ type: inout hdf5_type, _ depth: Int
    ) throws -> [HDF5TypeDescription] {
        try HDF5Doubt.unless(flags > 0 && flags <= 0xFFFF, "records of \(flags) fields")
        type.kind = HDF5_COMPOUND
        type.members = flags
        let offsetSize = version == 3 ? (64 - type.size.leadingZeroBitCount + 7) / 8 : 4
        var names: [[UInt8]] = []
        var parts: [HDF5TypeDescription] = []
        var end: UInt64 = 0
        for _ in 0..<flags {
            let name = try name(&reader, version)
            let offset = try reader.number(ofSize: offsetSize)
            if version == 1 {
                // Arrays were once members with axes of their own.
                _ = try reader.expectByte(0...0, "axes of a member:")
                try reader.skip(3 + 4 + 4 + 16)
            }
            let part = try Self(&reader, memberOffset: offset, depth: depth + 1)
            try HDF5Doubt.unless(
                offset >= end && offset + part.record.size <= type.size && part.record.size <= type.size,
                "members of a record that overlap")
            end = offset + part.record.size
            names.append(name)
            parts.append(part)
        }
        type.is_complex = names == [Array("r".utf8), Array("i".utf8)] ? 1 : 0
        return type.is_complex != 0 ? parts : []
    }

    private static func readEnumeration(
        _ reader: inout ByteReader, _ flags: UInt32, _ version: UInt8, _ type: inout hdf5_type, _ depth: Int
    ) throws -> [HDF5TypeDescription] {
        try HDF5Doubt.unless(flags > 0 && flags <= 0xFFFF, "an enumeration of nothing")
        type.kind = HDF5_ENUMERATION
        type.members = flags
        let base = try Self(&reader, memberOffset: 0, depth: depth + 1)
        try HDF5Doubt.unless(
            base.record.kind == HDF5_INTEGER && base.record.size == type.size, "an enumeration of no integers"
        )
        var names: [[UInt8]] = []
        for _ in 0..<flags { names.append(try name(&reader, version)) }
        try reader.skip(Int(flags) * Int(clamping: base.record.size))
        type.is_boolean = names == [Array("FALSE".utf8), Array("TRUE".utf8)] ? 1 : 0
        return [base]
    }

    private static func readArray(
        _ reader: inout ByteReader, _ version: UInt8, _ type: inout hdf5_type, _ depth: Int
    ) throws -> [HDF5TypeDescription] {
        try HDF5Doubt.unless(version > 1, "an array of an early format")
        type.kind = HDF5_ARRAY
        type.rank = UInt32(try reader.expectByte(1...UInt8(HDF5_LARGEST_RANK), "number of axes"))
        if version == 2 { try reader.skip(3) }
        var lengths: [UInt64] = []
        for _ in 0..<type.rank { lengths.append(UInt64(try reader.integer(UInt32.self))) }
        if version == 2 { try reader.skip(4 * Int(type.rank)) }
        withUnsafeMutableBytes(of: &type.lengths) { row in
            lengths.withUnsafeBytes { row.copyMemory(from: $0) }
        }
        let base = try Self(&reader, memberOffset: 0, depth: depth + 1)
        let size = lengths.reduce((base.record.size, false)) { size, length in
            let product = size.0.multipliedReportingOverflow(by: length)
            return (product.partialValue, size.1 || product.overflow)
        }
        try HDF5Doubt.unless(!size.1 && size.0 == type.size, "an array of another size than its elements")
        return [base]
    }
}
