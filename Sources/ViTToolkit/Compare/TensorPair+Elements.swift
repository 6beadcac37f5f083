import TensorCore

/// What is done with the elements of one piece.
extension TensorPair {
    /// The elements of a piece in another type, in memory of their own.
    struct Converted {
        private let bytes: HeapBytes
        private let count: Int

        init(_ source: UnsafeRawBufferPointer, from: DType, to target: DType) throws(TensorError) {
            count = source.count / from.itemSize * target.itemSize
            bytes = HeapBytes(count: count)
            let buffer = UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[0..<count])
            try ScalarConversion.convert(source, from: from, into: buffer, to: target)
        }

        /// Lends the elements.
        func withElements<Element: BitwiseCopyable, Value>(
            as _: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Value
        ) rethrows -> Value {
            try withExtendedLifetime(bytes) {
                let range = UnsafeRawBufferPointer(rebasing: bytes.buffer[0..<count])
                return try body(range.assumingMemoryBound(to: Element.self))
            }
        }
    }

    static func hasSameBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        guard let left = a.baseAddress, let right = b.baseAddress else { return true }
        return memcmp(left, right, a.count) == 0
    }

    /// Whether both pieces, converted to `target`, have the same bits or a NaN in each place: conversions differ in
    /// the NaN they make.
    static func isEqual(
        _ a: UnsafeRawBufferPointer, _ typeOfA: DType, _ b: UnsafeRawBufferPointer, _ typeOfB: DType,
        as target: DType
    ) throws -> Bool {
        let left = try Converted(a, from: typeOfA, to: target)
        let right = try Converted(b, from: typeOfB, to: target)
        let isSame = left.withElements(as: UInt8.self) { x in
            right.withElements(as: UInt8.self) { y in
                hasSameBytes(UnsafeRawBufferPointer(x), UnsafeRawBufferPointer(y))
            }
        }
        if isSame { return true }
        return try left.withElements(as: UInt8.self) { x in
            try right.withElements(as: UInt8.self) { y in
                try withDoubles(UnsafeRawBufferPointer(x), target, UnsafeRawBufferPointer(y), target) {
                    x, y in
                    x.indices.allSatisfy {
                        x[$0].bitPattern == y[$0].bitPattern || (x[$0].isNaN && y[$0].isNaN)
                    }
                }
            }
        }
    }

    /// Lends both pieces as 64-bit floats, which hold every real type but for large integers exactly.
    static func withDoubles<Value>(
        _ a: UnsafeRawBufferPointer, _ typeOfA: DType, _ b: UnsafeRawBufferPointer, _ typeOfB: DType,
        _ body: (UnsafeBufferPointer<Double>, UnsafeBufferPointer<Double>) throws -> Value
    ) throws -> Value {
        let left = try Converted(a, from: typeOfA, to: .f64)
        let right = try Converted(b, from: typeOfB, to: .f64)
        return try left.withElements(as: Double.self) { x in
            try right.withElements(as: Double.self) { y in try body(x, y) }
        }
    }

    /// How many elements of one type differ in their bits.
    static func differingBits(
        _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, itemSize: Int
    ) -> Int {
        switch itemSize {
        case 1: differingBits(a, b, UInt8.self)
        case 2: differingBits(a, b, UInt16.self)
        case 4: differingBits(a, b, UInt32.self)
        case 8: differingBits(a, b, UInt64.self)
        default: differingBits(a, b, SIMD2<UInt64>.self)
        }
    }

    @inline(__always)
    private static func differingBits<Element: BitwiseCopyable & Equatable>(
        _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _: Element.Type
    ) -> Int {
        let size = MemoryLayout<Element>.size
        var count = 0
        for offset in stride(from: 0, to: min(a.count, b.count), by: size) {
            let left = a.loadUnaligned(fromByteOffset: offset, as: Element.self)
            let right = b.loadUnaligned(fromByteOffset: offset, as: Element.self)
            if left != right { count += 1 }
        }
        return count
    }

    /// How many numbers differ; a NaN is the same as a NaN.
    static func differingValues(_ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>) -> Int {
        a.indices.count { a[$0] != b[$0] && !(a[$0].isNaN && b[$0].isNaN) }
    }
}
