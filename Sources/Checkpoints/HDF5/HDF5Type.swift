import CHDF5
import TensorCore

/// The type of a dataset's elements, as far as it is one of ours.
enum HDF5Type {
    /// Numbers in this order; an array type adds its axes to the dataset's.
    case numbers(DType, ByteOrder, axes: [Int])
    /// Something else: text, records, references.
    case other(String)

    init(_ description: HDF5TypeDescription) throws {
        let type = description.record
        switch type.kind {
        case HDF5_INTEGER, HDF5_BIT_FIELD: self = Self.integer(type)
        case HDF5_FLOAT: self = Self.float(type)
        case HDF5_ENUMERATION: self = try Self.enumeration(description)
        case HDF5_COMPOUND: self = try Self.compound(description)
        case HDF5_ARRAY: self = try Self.array(description)
        case HDF5_OPAQUE: self = Self.opaque(type)
        case HDF5_TEXT_TYPE: self = .other("text")
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

    private static func order(_ type: hdf5_type) -> ByteOrder { type.is_big_endian != 0 ? .big : .little }

    private static func isWhole(_ type: hdf5_type) -> Bool {
        type.bit_offset == 0 && type.precision == type.size &* 8 && type.is_mixed_endian == 0
    }

    private static func integer(_ type: hdf5_type) -> HDF5Type {
        guard isWhole(type) else { return .other("integers of \(type.precision) bits") }
        let dtype: DType
        switch (type.size, type.is_signed != 0) {
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
        guard let match, isWhole(type), type.has_hidden_bit != 0, type.mantissa_place == 0,
            type.exponent_place == match.mantissa, type.sign_place == match.mantissa + match.exponent
        else {
            return .other(
                "floating-point numbers of \(type.size) bytes with \(type.exponent_size) bits of exponent "
                    + "and \(type.mantissa_size) of mantissa")
        }
        return .numbers(match.dtype, order(type), axes: [])
    }

    /// h5py's bool: an enumeration of one byte with the members FALSE and TRUE. Others stand as their integers.
    private static func enumeration(_ description: HDF5TypeDescription) throws -> HDF5Type {
        guard let part = description.parts.first else { return .other("a type that is not known") }
        let base = try HDF5Type(part)
        let type = description.record
        return type.size == 1 && type.is_boolean != 0 ? .numbers(.bool, .little, axes: []) : base
    }

    /// h5py's complex: a record of the floats `r` and `i`.
    private static func compound(_ description: HDF5TypeDescription) throws -> HDF5Type {
        let type = description.record
        let parts = description.parts
        let records = HDF5Type.other("records of \(type.members) fields")
        guard type.is_complex != 0, parts.count == 2,
            case .numbers(let real, let order, []) = try HDF5Type(parts[0]),
            case .numbers(let imaginary, let otherOrder, []) = try HDF5Type(parts[1]), real == imaginary,
            order == otherOrder, parts[0].record.member_offset == 0,
            parts[1].record.member_offset == type.size / 2
        else { return records }
        switch (real, type.size) {
        case (.f64, 16): return .numbers(.c128, order, axes: [])
        case (.f32, 8): return .numbers(.c64, order, axes: [])
        case (.f16, 4): return .numbers(.c32, order, axes: [])
        default: return records
        }
    }

    private static func array(_ description: HDF5TypeDescription) throws -> HDF5Type {
        guard let part = description.parts.first,
            case .numbers(let dtype, let order, let axes) = try HDF5Type(part)
        else { return .other("arrays of other things than numbers") }
        let type = description.record
        return .numbers(dtype, order, axes: lengths(type.rank, type.lengths) + axes)
    }

    /// h5py stores ml_dtypes' bfloat16 as two bytes without a tag, as numpy does (`|V2`); Keras adds an attribute
    /// in `.weights.h5` and none in whole models. One byte may be any 8-bit float.
    private static func opaque(_ type: hdf5_type) -> HDF5Type {
        let tag = text(type.tag)
        if type.size == 2, tag.isEmpty { return .numbers(.bf16, .little, axes: []) }
        return .other("opaque values of \(type.size) bytes" + (tag.isEmpty ? "" : ", tagged \(tag)"))
    }

    // MARK: Fields of fixed size

    /// The first of a row of lengths.
    static func lengths<Row: BitwiseCopyable>(_ rank: UInt32, _ row: Row) -> [Int] {
        withUnsafeBytes(of: row) { row in
            row.bindMemory(to: UInt64.self).prefix(Int(rank)).map { Int(clamping: $0) }
        }
    }

    /// A text that is ended by a zero unless it fills its field.
    static func text<Field: BitwiseCopyable>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
