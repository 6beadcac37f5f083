import Synchronization

/// The order of the bytes within a number.
package enum ByteOrder: Sendable {
    case little, big
}

/// Where a tensor's elements come from: a row of elements that views address by offset and strides.
package indirect enum TensorStorage: Sendable {
    /// Stored plainly: a range of the file, or memory.
    case bytes(ByteRegion, ByteOrder)
    /// To be computed when somebody asks (a deflated member, a resampled position embedding).
    case deferred(DeferredBytes)
    /// The elements of several views of one type, each in row-major order, end to end.
    case joined([TensorView])
    /// The elements of a view of another type, in row-major order, converted.
    case converted(TensorView)

    /// The length in bytes when its elements have type `dtype`.
    package func byteCount(of dtype: DType) -> Int {
        switch self {
        case .bytes(let region, _): region.count
        case .deferred(let deferred): deferred.byteCount
        case .joined(let parts): parts.reduce(0) { $0 + $1.byteCount }
        case .converted(let base): base.shape.elementCount * dtype.itemSize
        }
    }
}

/// Bytes that do not exist until they are asked for, and again when they are no longer used.
package final class DeferredBytes: Sendable {
    package let byteCount: Int
    package let order: ByteOrder
    private let compute: @Sendable () throws -> ByteRegion
    private let last = Mutex<WeakBytes>(WeakBytes())

    private struct WeakBytes {
        weak var bytes: HeapBytes?
        var region: (start: Int, count: Int) = (0, 0)
    }

    /// - Parameter compute: gives exactly `byteCount` bytes, or throws.
    package init(
        byteCount: Int, order: ByteOrder = .little, compute: @escaping @Sendable () throws -> ByteRegion
    ) {
        self.byteCount = byteCount
        self.order = order
        self.compute = compute
    }

    /// The bytes: those of the last caller while somebody still holds them.
    package func bytes() throws -> ByteRegion {
        try last.withLock { last in
            if let bytes = last.bytes {
                return try ByteRegion(bytes, count: last.region.start + last.region.count)
                    .slice(last.region.start, last.region.count)
            }
            let region = try compute()
            guard region.count == byteCount else {
                throw ByteError(.truncated, offset: 0, needed: byteCount, available: region.count)
            }
            if case .heap(let bytes) = region.source {
                last = WeakBytes(bytes: bytes, region: (region.start, region.count))
            }
            return region
        }
    }
}
