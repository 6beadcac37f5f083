import TensorCore

/// PyTorch's names for element types and storages.
enum TorchDType {
    /// `torch.float32`, `torch.half` …, without the module.
    static let byName: [String: DType] = [
        "float64": .f64, "double": .f64, "float32": .f32, "float": .f32, "float16": .f16, "half": .f16,
        "bfloat16": .bf16, "float8_e4m3fn": .f8e4m3, "float8_e5m2": .f8e5m2, "float8_e4m3fnuz": .f8e4m3fnuz,
        "float8_e5m2fnuz": .f8e5m2fnuz, "float8_e8m0fnu": .f8e8m0, "int64": .i64, "long": .i64, "int32": .i32,
        "int": .i32, "int16": .i16, "short": .i16, "int8": .i8, "uint64": .u64, "uint32": .u32,
        "uint16": .u16,
        "uint8": .u8, "bool": .bool, "complex128": .c128, "cdouble": .c128, "complex64": .c64, "cfloat": .c64,
        "complex32": .c32, "chalf": .c32, "qint8": .i8, "quint8": .u8, "qint32": .i32,
    ]

    /// The element type of a storage class such as `FloatStorage`; `UntypedStorage` counts bytes.
    static func ofStorage(_ name: String) -> DType? {
        switch name {
        case "DoubleStorage": .f64
        case "FloatStorage": .f32
        case "HalfStorage": .f16
        case "BFloat16Storage": .bf16
        case "LongStorage": .i64
        case "IntStorage", "QInt32Storage": .i32
        case "ShortStorage": .i16
        case "CharStorage", "QInt8Storage": .i8
        case "ByteStorage", "QUInt8Storage", "UntypedStorage", "QUInt4x2Storage", "QUInt2x4Storage": .u8
        case "BoolStorage": .bool
        case "ComplexDoubleStorage": .c128
        case "ComplexFloatStorage": .c64
        default: nil
        }
    }

    /// How PyTorch saves an element type: in a storage of a class of its own, or in an `UntypedStorage`
    /// with the type's name beside it (`torch/storage.py`, `_new_dtypes`).
    enum Saved {
        case storage(String)
        case untyped(String)
    }

    static func saved(_ dtype: DType) -> Saved {
        switch dtype {
        case .f64: .storage("DoubleStorage")
        case .f32: .storage("FloatStorage")
        case .f16: .storage("HalfStorage")
        case .bf16: .storage("BFloat16Storage")
        case .i64: .storage("LongStorage")
        case .i32: .storage("IntStorage")
        case .i16: .storage("ShortStorage")
        case .i8: .storage("CharStorage")
        case .u8: .storage("ByteStorage")
        case .bool: .storage("BoolStorage")
        case .c128: .storage("ComplexDoubleStorage")
        case .c64: .storage("ComplexFloatStorage")
        case .f8e4m3: .untyped("float8_e4m3fn")
        case .f8e5m2: .untyped("float8_e5m2")
        case .f8e4m3fnuz: .untyped("float8_e4m3fnuz")
        case .f8e5m2fnuz: .untyped("float8_e5m2fnuz")
        case .f8e8m0: .untyped("float8_e8m0fnu")
        case .u64: .untyped("uint64")
        case .u32: .untyped("uint32")
        case .u16: .untyped("uint16")
        case .c32: .untyped("complex32")
        }
    }

    /// The element type of a tensor class of the years before storages were pickled apart (`FloatTensor`).
    static func ofTensor(_ name: String) -> DType? {
        guard name.hasSuffix("Tensor") else { return nil }
        return ofStorage(name.dropLast("Tensor".count) + "Storage")
    }
}
