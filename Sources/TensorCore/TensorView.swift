/// A tensor as a way of looking at bytes: a type, a shape, strides and an offset over a storage that is read
/// only when asked for.
///
/// Transposing, reshaping and selecting make another view; no byte moves before ``forEachChunk(of:_:)``.
public struct TensorView: Sendable {
    /// The type of the elements.
    public let dtype: DType
    /// The lengths of the axes.
    public let shape: Shape
    /// The distance between neighbours along each axis, in elements.
    public let strides: [Int]
    /// The place of the first element in the storage, in elements.
    public let offset: Int
    package let storage: TensorStorage

    /// A view of any layout.
    ///
    /// - Throws: `TensorError.outsideStorage` when any element lies outside the storage,
    ///   `TensorError.expandedTooFar` when strides of 0 blow a small storage up beyond reason.
    package init(
        storage: TensorStorage, dtype: DType, shape: Shape, strides: [Int]? = nil, offset: Int = 0
    ) throws(TensorError) {
        let strides = strides ?? shape.rowMajorStrides
        self.dtype = dtype
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.storage = storage
        let storageBytes = storage.byteCount(of: dtype)
        let outside = TensorError.outsideStorage(
            shape: shape.dimensions, strides: strides, offset: offset, dtype: dtype,
            storageBytes: storageBytes)
        guard strides.count == shape.rank, offset >= 0 else { throw outside }
        guard shape.elementCount > 0 else { return }
        guard let extent = Self.extent(shape, strides, offset), extent.lowerBound >= 0,
            extent.upperBound < storageBytes / dtype.itemSize
        else { throw outside }
        let (bytes, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.itemSize)
        guard !overflow, bytes <= max(storageBytes, Self.largestExpansion) else {
            throw .expandedTooFar(bytes: overflow ? .max : bytes, storageBytes: storageBytes)
        }
    }

    /// A tensor that is stored plainly: all elements in row-major order, from the first byte of `bytes` on.
    ///
    /// - Parameters:
    ///   - bytes: where it is stored; what goes beyond the elements is left alone.
    ///   - dtype: the type of the elements.
    ///   - shape: the lengths of the axes.
    ///   - bigEndian: whether the highest byte of each number comes first.
    /// - Throws: `TensorError.outsideStorage` when `bytes` holds fewer elements.
    public init(
        _ bytes: ByteRegion, dtype: DType, shape: Shape, bigEndian: Bool = false
    ) throws(TensorError) {
        try self.init(storage: .bytes(bytes, bigEndian ? .big : .little), dtype: dtype, shape: shape)
    }

    /// What an expanded view may claim over a storage smaller than that.
    private static let largestExpansion = 64 << 20

    /// The smallest and the largest element index, or nil when they overflow.
    private static func extent(_ shape: Shape, _ strides: [Int], _ offset: Int) -> ClosedRange<Int>? {
        var low = offset
        var high = offset
        for (length, stride) in zip(shape.dimensions, strides) {
            let (reach, overflow) = (length - 1).multipliedReportingOverflow(by: stride)
            if overflow { return nil }
            let (sum, sumOverflow) = (reach < 0 ? low : high).addingReportingOverflow(reach)
            if sumOverflow { return nil }
            if reach < 0 { low = sum } else { high = sum }
        }
        return low...high
    }

    /// The same elements seen another way; for operations that have proven that they stay inside.
    init(viewing other: TensorView, shape: Shape, strides: [Int], offset: Int) {
        dtype = other.dtype
        storage = other.storage
        self.shape = shape
        self.strides = strides
        self.offset = offset
    }

    /// The size of the elements in bytes: the number of elements times the size of one.
    public var byteCount: Int { shape.elementCount * dtype.itemSize }

    /// Whether the elements lie in row-major order without gaps.
    public var isContiguous: Bool {
        guard shape.elementCount > 0 else { return true }
        var step = 1
        for axis in stride(from: shape.rank - 1, through: 0, by: -1) where shape[axis] != 1 {
            guard strides[axis] == step else { return false }
            step *= shape[axis]
        }
        return true
    }

    /// The range of element indices in the storage that the view touches.
    package var extent: ClosedRange<Int>? {
        shape.elementCount == 0 ? nil : Self.extent(shape, strides, offset)
    }

    /// The tensor's bytes where they already stand as they should be written: row-major, little-endian.
    package var plainRegion: ByteRegion? {
        guard case .bytes(let region, let order) = storage, isContiguous,
            order == .little || dtype.componentSize == 1
        else { return nil }
        guard shape.elementCount > 0 else { return try? region.slice(0, 0) }
        return try? region.slice(offset * dtype.itemSize, byteCount)
    }
}
