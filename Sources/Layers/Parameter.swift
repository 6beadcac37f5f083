import TensorCore

/// A parameter's values as 32-bit floats: in the mapped file where they stand there so, else in memory.
package struct Parameter: Sendable {
    package let shape: Shape
    /// Keeps the values alive.
    private let region: ByteRegion
    package nonisolated(unsafe) let values: UnsafePointer<Float>

    /// Whether the values are the file's (or the caller's) own bytes.
    package let isBorrowed: Bool

    package init(_ view: TensorView) throws {
        shape = view.shape
        if view.dtype == .f32, let plain = view.plainRegion, let values = try Self.floats(plain) {
            region = plain
            self.values = values
            isBorrowed = true
            return
        }
        let copy = HeapBytes(count: view.shape.elementCount * MemoryLayout<Float>.stride)
        let target = copy.buffer.bindMemory(to: Float.self)
        if view.dtype == .f16 || view.dtype == .bf16, let plain = view.plainRegion {
            try Self.widen(plain, view.dtype, into: target, count: view.shape.elementCount)
        } else {
            var done = 0
            try view.converted(to: .f32).forEachChunk { chunk in
                UnsafeMutableRawBufferPointer(rebasing: copy.buffer[done...]).copyMemory(from: chunk)
                done += chunk.count
            }
        }
        region = ByteRegion(copy, count: view.shape.elementCount * MemoryLayout<Float>.stride)
        values = UnsafePointer(target.baseAddress.unsafelyUnwrapped)
        isBorrowed = false
    }

    /// Zeros, where a layer lacks what its kernel takes.
    init(zeros shape: Shape) {
        let bytes = HeapBytes(count: max(1, shape.elementCount) * MemoryLayout<Float>.stride)
        let target = bytes.buffer.bindMemory(to: Float.self)
        target.initialize(repeating: 0)
        self.shape = shape
        region = ByteRegion(bytes, count: shape.elementCount * MemoryLayout<Float>.stride)
        values = UnsafePointer(target.baseAddress.unsafelyUnwrapped)
        isBorrowed = false
    }

    /// The parameter as a matrix: the last axis is the columns. Nobody writes to it.
    package var matrix: Matrix {
        let columns = shape.dimensions.last ?? 1
        return Matrix(
            UnsafeMutablePointer(mutating: values), rows: columns > 0 ? shape.elementCount / columns : 0,
            columns: columns)
    }

    /// The region's bytes as floats, unless they are not aligned for it.
    private static func floats(_ region: ByteRegion) throws -> UnsafePointer<Float>? {
        let bytes = try region.pointer()
        guard let start = bytes.baseAddress, UInt(bitPattern: start).isMultiple(of: 4) else { return nil }
        return start.assumingMemoryBound(to: Float.self)
    }

    private static func widen(
        _ region: ByteRegion, _ dtype: DType, into target: UnsafeMutableBufferPointer<Float>, count: Int
    ) throws {
        let piece = 1 << 20
        let start = target.baseAddress.unsafelyUnwrapped
        let halves = HeapBytes(count: min(piece, count) * 2)
        for first in stride(from: 0, to: count, by: piece) {
            let length = min(piece, count - first)
            try region.read(
                into: UnsafeMutableRawBufferPointer(rebasing: halves.buffer[0..<2 * length]), at: 2 * first)
            let source = UnsafeRawPointer(halves.buffer.baseAddress.unsafelyUnwrapped)
            Kernels.widen(
                source.assumingMemoryBound(to: UInt16.self), dtype, into: start + first, count: length)
        }
    }
}
