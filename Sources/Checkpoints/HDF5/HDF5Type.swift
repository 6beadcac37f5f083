import CHDF5
import TensorCore

/// The type of a dataset's elements, as far as it is one of ours.
enum HDF5Type {
    /// Numbers in this order; an array type adds its axes to the dataset's.
    case numbers(DType, ByteOrder, axes: [Int])
    /// Something else: text, records, references.
    case other(String)

    init(_ id: hdf5_id, of file: HDF5File) throws {
        var type = hdf5_type()
        try file.check(hdf5_describe_type(id, &type))
        switch type.kind {
        case HDF5_INTEGER, HDF5_BIT_FIELD: self = Self.integer(type)
        case HDF5_FLOAT: self = Self.float(type)
        case HDF5_ENUMERATION: self = try Self.enumeration(id, type, of: file)
        case HDF5_COMPOUND: self = try Self.compound(id, type, of: file)
        case HDF5_ARRAY: self = try Self.array(id, type, of: file)
        case HDF5_OPAQUE: self = Self.opaque(type)
        case HDF5_TEXT: self = .other("text")
        case HDF5_REFERENCE: self = .other("references to objects")
        case HDF5_SEQUENCE: self = .other("sequences of varying length")
        case HDF5_TIME: self = .other("times")
        default: self = .other("a type that is not known")
        }
        try checkSize(type.size)
    }

    /// The library fills buffers by the size that the file gives for the whole, we by that of the parts.
    private func checkSize(_ size: UInt64) throws {
        guard case .numbers(let dtype, _, let axes) = self else { return }
        let item = try Shape(axes)
        let (expected, overflow) = item.elementCount.multipliedReportingOverflow(by: dtype.itemSize)
        guard !overflow, size == UInt64(expected) else {
            throw CheckpointError(
                .damaged, "a type of \(size) bytes is said to hold \(dtype.rawValue) in \(item)")
        }
    }

    private static func order(_ type: hdf5_type) -> ByteOrder { type.is_big_endian ? .big : .little }

    private static func isWhole(_ type: hdf5_type) -> Bool {
        type.bit_offset == 0 && type.precision == type.size * 8 && !type.is_mixed_endian
    }

    private static func integer(_ type: hdf5_type) -> HDF5Type {
        guard isWhole(type) else { return .other("integers of \(type.precision) bits") }
        let dtype: DType
        switch (type.size, type.is_signed) {
        case (1, true): dtype = .i8
        case (2, true): dtype = .i16
        case (4, true): dtype = .i32
        case (8, true): dtype = .i64
        case (1, false): dtype = .u8
        case (2, false): dtype = .u16
        case (4, false): dtype = .u32
        case (8, false): dtype = .u64
        default: return .other("integers of \(type.precision) bits")
        }
        return .numbers(dtype, order(type), axes: [])
    }

    /// Floating-point formats by their bits: exponent and mantissa sizes, and bias.
    private static let floats: [(dtype: DType, exponent: UInt64, mantissa: UInt64, bias: UInt64)] = [
        (.f64, 11, 52, 1023), (.f32, 8, 23, 127), (.f16, 5, 10, 15), (.bf16, 8, 7, 127),
        (.f8e4m3, 4, 3, 7), (.f8e5m2, 5, 2, 15),
    ]

    private static func float(_ type: hdf5_type) -> HDF5Type {
        let match = floats.first { float in
            type.exponent_size == float.exponent && type.mantissa_size == float.mantissa
                && type.bias == float.bias && type.size == UInt64(float.dtype.itemSize)
        }
        guard let match, isWhole(type), type.has_hidden_bit, type.mantissa_place == 0,
            type.exponent_place == match.mantissa, type.sign_place == match.mantissa + match.exponent
        else {
            return .other(
                "floating-point numbers of \(type.size) bytes with \(type.exponent_size) bits of exponent "
                    + "and \(type.mantissa_size) of mantissa")
        }
        return .numbers(match.dtype, order(type), axes: [])
    }

    /// h5py's bool: an enumeration of one byte with the members FALSE and TRUE. Others stand as their integers.
    private static func enumeration(
        _ id: hdf5_id, _ type: hdf5_type, of file: HDF5File
    ) throws -> HDF5Type {
        if type.size == 1, type.members == 2, hdf5_member_is_named(id, 0, "FALSE"),
            hdf5_member_is_named(id, 1, "TRUE")
        {
            return .numbers(.bool, .little, axes: [])
        }
        return try base(of: id, in: file)
    }

    private static func base(of id: hdf5_id, in file: HDF5File) throws -> HDF5Type {
        let base = hdf5_open_base(id)
        try file.check(base >= 0)
        defer { hdf5_close_type(base) }
        return try HDF5Type(base, of: file)
    }

    /// h5py's complex: a record of the floats `r` and `i`.
    private static func compound(_ id: hdf5_id, _ type: hdf5_type, of file: HDF5File) throws -> HDF5Type {
        let records = HDF5Type.other("records of \(type.members) fields")
        guard type.members == 2, hdf5_member_is_named(id, 0, "r"), hdf5_member_is_named(id, 1, "i") else {
            return records
        }
        var parts: [(type: HDF5Type, offset: UInt64)] = []
        for index in 0..<Int32(2) {
            var offset: UInt64 = 0
            let member = hdf5_open_member(id, index, &offset)
            try file.check(member >= 0)
            defer { hdf5_close_type(member) }
            parts.append((try HDF5Type(member, of: file), offset))
        }
        guard case .numbers(let real, let order, []) = parts[0].type,
            case .numbers(let imaginary, let otherOrder, []) = parts[1].type, real == imaginary,
            order == otherOrder, parts[0].offset == 0, parts[1].offset == type.size / 2
        else { return records }
        switch (real, type.size) {
        case (.f64, 16): return .numbers(.c128, order, axes: [])
        case (.f32, 8): return .numbers(.c64, order, axes: [])
        case (.f16, 4): return .numbers(.c32, order, axes: [])
        default: return records
        }
    }

    private static func array(_ id: hdf5_id, _ type: hdf5_type, of file: HDF5File) throws -> HDF5Type {
        guard case .numbers(let dtype, let order, let axes) = try base(of: id, in: file) else {
            return .other("arrays of other things than numbers")
        }
        let lengths = withUnsafeBytes(of: type.lengths) { lengths in
            lengths.bindMemory(to: UInt64.self).prefix(Int(type.rank)).map { Int(clamping: $0) }
        }
        return .numbers(dtype, order, axes: lengths + axes)
    }

    /// h5py stores ml_dtypes' bfloat16 as two bytes without a tag, as numpy does (`|V2`); Keras adds an attribute
    /// in `.weights.h5` and none in whole models. One byte may be any 8-bit float.
    private static func opaque(_ type: hdf5_type) -> HDF5Type {
        let tag = withUnsafeBytes(of: type.tag) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if type.size == 2, tag.isEmpty { return .numbers(.bf16, .little, axes: []) }
        return .other("opaque values of \(type.size) bytes" + (tag.isEmpty ? "" : ", tagged \(tag)"))
    }
}
