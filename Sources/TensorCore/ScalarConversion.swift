/// Numbers from one type to another, rounding to nearest, ties to even, as PyTorch does.
package enum ScalarConversion {
    /// Real numbers convert into any floating-point type of 16 bits or more; nothing else does.
    package static func isSupported(from source: DType, to target: DType) -> Bool {
        if source == target { return true }
        guard !source.isComplex else { return false }
        return target == .f64 || target == .f32 || target == .f16 || target == .bf16
    }

    /// Converts as many elements as `target` holds; both sides little-endian.
    package static func convert(
        _ source: UnsafeRawBufferPointer, from: DType, into target: UnsafeMutableRawBufferPointer, to: DType
    ) throws(TensorError) {
        guard from != to else { return target.copyMemory(from: source) }
        guard isSupported(from: from, to: to) else { throw .noConversion(from: from, to: to) }
        switch from {
        case .f64: write(source, Double.self, target, to) { $0 }
        case .f32: write(source, Float.self, target, to) { $0 }
        case .f16: write(source, UInt16.self, target, to) { float(half: $0) }
        case .bf16: write(source, UInt16.self, target, to) { Float(bitPattern: UInt32($0) << 16) }
        case .f8e4m3: write(source, UInt8.self, target, to) { Float8.e4m3.float($0) }
        case .f8e5m2: write(source, UInt8.self, target, to) { float(half: UInt16($0) << 8) }
        case .f8e4m3fnuz: write(source, UInt8.self, target, to) { Float8.e4m3fnuz.float($0) }
        case .f8e5m2fnuz: write(source, UInt8.self, target, to) { Float8.e5m2fnuz.float($0) }
        case .f8e8m0:
            write(source, UInt8.self, target, to) { bits -> Float in
                bits == 255 ? .nan : Float(sign: .plus, exponent: Int(bits) - 127, significand: 1)
            }
        case .i64: write(source, Int64.self, target, to) { Double($0) }
        case .i32: write(source, Int32.self, target, to) { Double($0) }
        case .i16: write(source, Int16.self, target, to) { Float($0) }
        case .i8: write(source, Int8.self, target, to) { Float($0) }
        case .u64: write(source, UInt64.self, target, to) { Double($0) }
        case .u32: write(source, UInt32.self, target, to) { Double($0) }
        case .u16: write(source, UInt16.self, target, to) { Float($0) }
        case .u8: write(source, UInt8.self, target, to) { Float($0) }
        case .bool: write(source, UInt8.self, target, to) { $0 == 0 ? Float(0) : 1 }
        case .c128, .c64, .c32: break
        }
    }

    @inline(__always)
    private static func write<Element: BitwiseCopyable, Value: BinaryFloatingPoint>(
        _ source: UnsafeRawBufferPointer, _: Element.Type, _ target: UnsafeMutableRawBufferPointer,
        _ to: DType,
        _ value: (Element) -> Value
    ) {
        let count = target.count / to.itemSize
        @inline(__always)
        func each<Result: BitwiseCopyable>(_ result: (Value) -> Result) {
            let (sourceSize, targetSize) = (MemoryLayout<Element>.size, MemoryLayout<Result>.size)
            for index in 0..<count {
                let element = source.loadUnaligned(fromByteOffset: index * sourceSize, as: Element.self)
                target.storeBytes(
                    of: result(value(element)), toByteOffset: index * targetSize, as: Result.self)
            }
        }
        switch to {
        case .f64: each { Double($0) }
        case .f32: each { Float($0) }
        case .f16: each { half(Float($0)) }
        case .bf16: each { bfloat(Float($0)) }
        default: break
        }
    }

    /// IEEE binary16 to binary32, exactly.
    @inline(__always)
    package static func float(half bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let magnitude = UInt32(bits & 0x7FFF)
        if magnitude >= 0x7C00 { return Float(bitPattern: sign | 0x7F80_0000 | (magnitude & 0x3FF) << 13) }
        // A scale of 2¹¹² moves the exponent's bias from 15 to 127 and normalises subnormals on the way.
        let scaled = Float(bitPattern: magnitude << 13) * Float(sign: .plus, exponent: 112, significand: 1)
        return Float(bitPattern: sign | scaled.bitPattern)
    }

    /// IEEE binary32 to binary16, to nearest, ties to even.
    @inline(__always)
    package static func half(_ value: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
        let magnitude = value.bitPattern & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
        if magnitude >= 0x477F_F000 { return sign | 0x7C00 }
        if magnitude < 0x3880_0000 {
            // Adding 0.5 aligns the subnormal's last bit with the float's, and the addition rounds.
            let aligned = Float(bitPattern: magnitude) + 0.5
            return sign | UInt16(truncatingIfNeeded: aligned.bitPattern &- 0x3F00_0000)
        }
        let rounded = magnitude &+ 0xFFF &+ (magnitude >> 13 & 1) &- 0x3800_0000
        return sign | UInt16(truncatingIfNeeded: rounded >> 13)
    }

    /// IEEE binary32 to bfloat16, to nearest, ties to even.
    @inline(__always)
    package static func bfloat(_ value: Float) -> UInt16 {
        if value.isNaN { return UInt16(truncatingIfNeeded: value.bitPattern >> 16) | 0x40 }
        let rounded = value.bitPattern &+ 0x7FFF &+ (value.bitPattern >> 16 & 1)
        return UInt16(truncatingIfNeeded: rounded >> 16)
    }

    /// Reverses the bytes of every number in place.
    package static func swapBytes(of buffer: UnsafeMutableRawBufferPointer, componentSize: Int) {
        func swap<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) {
            for offset in stride(from: 0, to: buffer.count / componentSize * componentSize, by: componentSize)
            {
                let value = buffer.loadUnaligned(fromByteOffset: offset, as: T.self)
                buffer.storeBytes(of: value.byteSwapped, toByteOffset: offset, as: T.self)
            }
        }
        switch componentSize {
        case 2: swap(UInt16.self)
        case 4: swap(UInt32.self)
        case 8: swap(UInt64.self)
        default: break
        }
    }
}

/// The 8-bit floating-point formats that are not the upper half of a binary16.
private struct Float8 {
    let exponentBits: UInt8
    let bias: Int
    /// The formats without infinities and negative zero: 0x80 is their only NaN.
    let isUnsignedZero: Bool

    static let e4m3 = Float8(exponentBits: 4, bias: 7, isUnsignedZero: false)
    static let e4m3fnuz = Float8(exponentBits: 4, bias: 8, isUnsignedZero: true)
    static let e5m2fnuz = Float8(exponentBits: 5, bias: 16, isUnsignedZero: true)

    func float(_ bits: UInt8) -> Float {
        if isUnsignedZero ? bits == 0x80 : bits & 0x7F == 0x7F { return .nan }
        let mantissaBits = 7 - exponentBits
        let exponent = Int(bits & 0x7F) >> Int(mantissaBits)
        let mantissa = Int(bits) & (1 << Int(mantissaBits) - 1)
        let one = 1 << Int(mantissaBits)
        let significand = Float(exponent == 0 ? mantissa : mantissa + one) / Float(one)
        let magnitude = significand * Float(sign: .plus, exponent: max(exponent, 1) - bias, significand: 1)
        return bits & 0x80 == 0 ? magnitude : -magnitude
    }
}
