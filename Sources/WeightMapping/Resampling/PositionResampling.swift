import TensorCore

/// Fits a position embedding to another grid of patches: bicubic with antialiasing, as timm's
/// `resample_abs_pos_embed` does, or as another framework does.
package enum PositionResampling {
    /// A view that computes the resized embedding when its bytes are asked for.
    ///
    /// The rows in front of the grid (class token, distillation token, registers) stay as they are. The grid is
    /// computed in 32-bit floats and kept in the tensor's own type; types of 8 bits, which nothing is
    /// converted into, become F32 as a whole.
    ///
    /// - Parameters:
    ///   - positions: `[1, P + h·w, D]`, the grid row by row.
    ///   - old: the grid that the embedding was made for; what it leaves in front are the P rows.
    ///   - new: the grid that is wanted.
    /// - Returns: `[1, P + h′·w′, D]`.
    /// - Throws: `TensorError` when the embedding has another shape than that.
    /// - Complexity: O(h·w·w′·D + h·h′·w′·D) once, when read; twice the embedding's size in memory meanwhile.
    package static func resize(
        _ positions: TensorView, from old: PatchGrid, to new: PatchGrid,
        _ interpolation: PositionInterpolation = .bicubicAntialias
    ) throws(TensorError) -> TensorView {
        guard positions.shape.rank == 3, positions.shape[0] == 1, old.height > 0, old.width > 0,
            new.height > 0, new.width > 0, positions.shape[1] >= old.count
        else {
            throw .incompatible(
                "a position embedding of shape \(positions.shape) does not hold a grid of \(old) patches")
        }
        guard old != new else { return positions }
        let dtype = ScalarConversion.isSupported(from: .f32, to: positions.dtype) ? positions.dtype : .f32
        let prefix = positions.shape[1] - old.count
        let width = positions.shape[2]
        let grid = try positions.sliced(axis: 1, prefix..<positions.shape[1])
        let shape = try Shape([1, new.count, width])
        let bytes = try Shape([shape.elementCount, 4]).elementCount
        let deferred = DeferredBytes(byteCount: bytes) {
            let resized = Self.resize(
                try grid.floats(), width: width, from: old, to: new, interpolation)
            return resized.withUnsafeBytes { ByteRegion(HeapBytes($0), count: $0.count) }
        }
        let resized = try TensorView(storage: .deferred(deferred), dtype: .f32, shape: shape).converted(
            to: dtype)
        guard prefix > 0 else { return resized }
        let kept = try positions.sliced(axis: 1, 0..<prefix).converted(to: dtype)
        return try TensorView.concatenated([kept, resized], axis: 1)
    }

    /// Columns first, then rows, as torch does.
    private static func resize(
        _ values: [Float], width: Int, from old: PatchGrid, to new: PatchGrid,
        _ interpolation: PositionInterpolation
    ) -> [Float] {
        let columns = AxisResampling(from: old.width, to: new.width, interpolation)
        let rows = AxisResampling(from: old.height, to: new.height, interpolation)
        let wide = columns.apply(to: values, outer: old.height, length: old.width, inner: width)
        return rows.apply(to: wide, outer: 1, length: old.height, inner: new.width * width)
    }
}
