/// The type of a tensor's elements; raw values are spelled as in safetensors.
public enum DType: String, Sendable, Hashable, CaseIterable {
    /// 64-bit floating point (IEEE 754 binary64).
    case f64 = "F64"
    /// 32-bit floating point (IEEE 754 binary32).
    case f32 = "F32"
    /// 16-bit floating point (IEEE 754 binary16).
    case f16 = "F16"
    /// The upper half of a 32-bit floating-point number.
    case bf16 = "BF16"
    /// 8-bit floating point: 4 bits of exponent, 3 of mantissa; no infinities (torch's `float8_e4m3fn`).
    case f8e4m3 = "F8_E4M3"
    /// 8-bit floating point: 5 bits of exponent, 2 of mantissa.
    case f8e5m2 = "F8_E5M2"
    /// 8-bit floating point: 4 bits of exponent, 3 of mantissa; neither infinities nor a negative zero.
    case f8e4m3fnuz = "F8_E4M3FNUZ"
    /// 8-bit floating point: 5 bits of exponent, 2 of mantissa; neither infinities nor a negative zero.
    case f8e5m2fnuz = "F8_E5M2FNUZ"
    /// A power of two by its 8 bits of exponent, as scales are stored.
    case f8e8m0 = "F8_E8M0"
    /// Signed integer of 64 bits.
    case i64 = "I64"
    /// Signed integer of 32 bits.
    case i32 = "I32"
    /// Signed integer of 16 bits.
    case i16 = "I16"
    /// Signed integer of 8 bits.
    case i8 = "I8"
    /// Unsigned integer of 64 bits.
    case u64 = "U64"
    /// Unsigned integer of 32 bits.
    case u32 = "U32"
    /// Unsigned integer of 16 bits.
    case u16 = "U16"
    /// Unsigned integer of 8 bits.
    case u8 = "U8"
    /// A truth value in a byte.
    case bool = "BOOL"
    /// Complex number of two 64-bit parts.
    case c128 = "C128"
    /// Complex number of two 32-bit parts.
    case c64 = "C64"
    /// Complex number of two 16-bit parts.
    case c32 = "C32"

    /// The size of one element in bytes.
    public var itemSize: Int {
        switch self {
        case .c128: 16
        case .f64, .i64, .u64, .c64: 8
        case .f32, .i32, .u32, .c32: 4
        case .f16, .bf16, .i16, .u16: 2
        case .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0, .i8, .u8, .bool: 1
        }
    }

    /// The size in bytes of what a byte order swaps: a complex number has two such parts.
    package var componentSize: Int {
        switch self {
        case .c128, .c64, .c32: itemSize / 2
        default: itemSize
        }
    }

    /// Whether elements are real numbers with a fraction.
    public var isFloatingPoint: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0: true
        default: false
        }
    }

    /// Whether elements have a real and an imaginary part.
    public var isComplex: Bool { self == .c128 || self == .c64 || self == .c32 }
}
