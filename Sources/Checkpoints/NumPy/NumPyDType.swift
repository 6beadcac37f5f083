import TensorCore

/// NumPy's spelling of element types (`<f4`, `|b1`) in our terms.
enum NumPyDType {
    /// - Parameter descriptor: byte order, kind and size; the order may be left out for single bytes.
    /// - Returns: nil for what is no number: objects, strings, dates, records.
    static func parse(_ descriptor: String) -> (dtype: DType, order: ByteOrder)? {
        var kind = descriptor[...]
        var order = ByteOrder.little
        if let first = kind.first, "<>=|!".contains(first) {
            if first == ">" || first == "!" { order = .big }
            kind.removeFirst()
        }
        guard let dtype = dtypes[String(kind)] else { return nil }
        return (dtype, order)
    }

    /// As `numpy.save` writes it, always little-endian; bfloat16 as JAX's two raw bytes.
    static func descriptor(of dtype: DType) -> String? {
        switch dtype {
        case .bf16: return "|V2"
        case .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0: return "|V1"
        case .c32: return nil
        default:
            guard
                let kind = dtypes.first(where: {
                    $0.value == dtype && $0.key != "?" && !$0.key.hasPrefix("V")
                })
            else { return nil }
            return (dtype.itemSize == 1 ? "|" : "<") + kind.key
        }
    }

    /// `V2` is how bfloat16 looks when NumPy does not know it. `V1` is some 8-bit float, but the file does not say
    /// which, so that it is not among these.
    private static let dtypes: [String: DType] = [
        "f8": .f64, "f4": .f32, "f2": .f16, "i8": .i64, "i4": .i32, "i2": .i16, "i1": .i8, "u8": .u64,
        "u4": .u32,
        "u2": .u16, "u1": .u8, "b1": .bool, "?": .bool, "c8": .c64, "c16": .c128, "V2": .bf16,
    ]
}
