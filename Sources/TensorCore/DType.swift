/// The type of a tensor's elements; raw values are spelled as in safetensors.
public enum DType: String, Sendable, Hashable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f8e4m3 = "F8_E4M3"
    case f8e5m2 = "F8_E5M2"
    case f8e4m3fnuz = "F8_E4M3FNUZ"
    case f8e5m2fnuz = "F8_E5M2FNUZ"
    case f8e8m0 = "F8_E8M0"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u64 = "U64"
    case u32 = "U32"
    case u16 = "U16"
    case u8 = "U8"
    case bool = "BOOL"
    case c128 = "C128"
    case c64 = "C64"
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
