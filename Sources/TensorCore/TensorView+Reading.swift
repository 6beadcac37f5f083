/// Where bytes move: elements in row-major order, little-endian, a few megabytes at a time.
extension TensorView {
    /// Hands the tensor's bytes (row-major, little-endian) to `body`, piece by piece and in order.
    ///
    /// Each piece holds whole elements and at most `size` bytes: by default what stays in a core's cache until it is written.
    /// Peak memory is one piece for tensors stored plainly, a few megabytes for transposed matrices in a file, and the
    /// tensor's storage once for what is strided otherwise, or deflated.
    ///
    /// - Parameters:
    ///   - size: the most bytes of a piece.
    ///   - body: takes a piece; the bytes are its only while it runs.
    /// - Throws: `ByteError` when the file cannot be read, or has become shorter; what unpacking a deflated tensor throws; what `body` throws.
    public func forEachChunk(
        of size: Int = 512 << 10, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard shape.elementCount > 0 else { return }
        let size = max(size, dtype.itemSize) / dtype.itemSize * dtype.itemSize
        if isContiguous {
            switch storage {
            case .bytes(let region, let order):
                let range = try region.slice(offset * dtype.itemSize, byteCount)
                return try Self.forEachChunk(
                    of: range, size: size, swapping: order == .big ? dtype : nil, body)
            case .joined(let parts) where offset == 0 && byteCount == storage.byteCount(of: dtype):
                for part in parts { try part.forEachChunk(of: size, body) }
                return
            case .converted(let base) where offset == 0 && base.shape.elementCount == shape.elementCount:
                return try convertChunks(of: base, size: size, body)
            default: break
            }
        }
        guard let extent else { return }
        if case .bytes(let region, let order) = storage, region.filePlace != nil,
            extent.count * dtype.itemSize > Self.readAtOnce
        {
            let gather = StridedGather(
                shape: shape, strides: strides, offset: offset, itemSize: dtype.itemSize)
            let swap = { (bytes: UnsafeMutableRawBufferPointer) in
                ScalarConversion.swapBytes(of: bytes, componentSize: dtype.componentSize)
            }
            let isDone = try gather.forEachChunk(
                ofFile: region, size: size, swapped: order == .big ? swap : nil, body)
            if isDone { return }
        }
        let elements = try loadedElements(extent)
        let base = try elements.pointer()
        let gather = StridedGather(
            shape: shape, strides: strides, offset: offset - extent.lowerBound, itemSize: dtype.itemSize)
        try withExtendedLifetime(elements) {
            try gather.forEachChunk(of: base, size: size, body)
        }
    }

    /// A smaller storage is read as a whole, whatever is wanted of it.
    private static let readAtOnce = 4 << 20

    /// The tensor's bytes, row-major and little-endian: a slice of the file where they stand there so,
    /// otherwise a new allocation of ``byteCount`` bytes.
    ///
    /// - Throws: `ByteError` when the file cannot be read; what unpacking a deflated tensor throws.
    public func bytes() throws -> ByteRegion {
        if let plainRegion { return plainRegion }
        if case .deferred(let deferred) = storage, isContiguous, deferred.order == .little {
            return try deferred.bytes().slice(offset * dtype.itemSize, byteCount)
        }
        let result = HeapBytes(count: byteCount)
        var done = 0
        try forEachChunk { chunk in
            UnsafeMutableRawBufferPointer(rebasing: result.buffer[done..<done + chunk.count]).copyMemory(
                from: chunk)
            done += chunk.count
        }
        return ByteRegion(result, count: byteCount)
    }

    /// The elements as 32-bit floats in row-major order.
    ///
    /// - Throws: `TensorError.noConversion` for complex tensors; whatever reading the file throws.
    public func floats() throws -> [Float] {
        let source = try converted(to: .f32)
        var failure: (any Error)?
        let values = [Float](unsafeUninitializedCapacity: shape.elementCount) { buffer, initialized in
            let target = UnsafeMutableRawBufferPointer(buffer)
            var done = 0
            do {
                try source.forEachChunk { chunk in
                    UnsafeMutableRawBufferPointer(rebasing: target[done..<done + chunk.count])
                        .copyMemory(from: chunk)
                    done += chunk.count
                }
                initialized = done / 4
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    /// The same elements over a storage that can be read in pieces: the view itself where its bytes stand plainly
    /// in the file, otherwise one over the storage in memory.
    ///
    /// Without it, every piece of a strided or deflated tensor would read the whole of it again.
    package func readableInPieces() throws -> TensorView {
        guard plainRegion == nil, let extent else { return self }
        return try TensorView(
            storage: .bytes(try loadedElements(extent), .little), dtype: dtype, shape: shape,
            strides: strides,
            offset: offset - extent.lowerBound)
    }

    /// The storage's elements in `range`, in memory, little-endian.
    private func loadedElements(_ range: ClosedRange<Int>) throws -> ByteRegion {
        let start = range.lowerBound * dtype.itemSize
        let count = range.count * dtype.itemSize
        switch storage {
        case .bytes(let region, let order):
            let loaded = try region.slice(start, count).loaded()
            return order == .big ? try Self.swapped(loaded, dtype) : loaded
        case .deferred(let deferred):
            let slice = try deferred.bytes().slice(start, count)
            return deferred.order == .big ? try Self.swapped(slice, dtype) : try slice.loaded()
        case .joined, .converted:
            let row = try TensorView(
                storage: storage, dtype: dtype, shape: Shape([storage.byteCount(of: dtype) / dtype.itemSize]))
            return try row.bytes().slice(start, count).loaded()
        }
    }

    private static func swapped(_ region: ByteRegion, _ dtype: DType) throws -> ByteRegion {
        let copy = HeapBytes(count: region.count)
        let target = UnsafeMutableRawBufferPointer(rebasing: copy.buffer[0..<region.count])
        try region.read(into: target)
        ScalarConversion.swapBytes(of: target, componentSize: dtype.componentSize)
        return ByteRegion(copy, count: region.count)
    }

    private static func forEachChunk(
        of region: ByteRegion, size: Int, swapping dtype: DType?,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        if case .heap = region.source, dtype == nil {
            let pointer = try region.pointer()
            return try withExtendedLifetime(region) {
                for start in stride(from: 0, to: region.count, by: size) {
                    try body(
                        UnsafeRawBufferPointer(rebasing: pointer[start..<min(start + size, region.count)]))
                }
            }
        }
        let chunk = HeapBytes(count: min(size, region.count))
        for start in stride(from: 0, to: region.count, by: size) {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: chunk.buffer[0..<min(size, region.count - start)])
            try region.read(into: piece, at: start)
            if let dtype { ScalarConversion.swapBytes(of: piece, componentSize: dtype.componentSize) }
            try body(UnsafeRawBufferPointer(piece))
        }
    }

    private func convertChunks(
        of base: TensorView, size: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let elements = max(1, size / max(dtype.itemSize, base.dtype.itemSize))
        let converted = HeapBytes(count: elements * dtype.itemSize)
        try base.forEachChunk(of: elements * base.dtype.itemSize) { chunk in
            let count = chunk.count / base.dtype.itemSize
            let target = UnsafeMutableRawBufferPointer(rebasing: converted.buffer[0..<count * dtype.itemSize])
            try ScalarConversion.convert(chunk, from: base.dtype, into: target, to: dtype)
            try body(UnsafeRawBufferPointer(target))
        }
    }
}
