import CBLAS
import TensorCore

/// Matrix products, through the library found at run time or the portable kernel.
package enum MatrixProduct {
    /// What computes the products.
    package enum Provider: Sendable, Equatable, CaseIterable {
        /// The library that `VIT_CONVERT_BLAS` names, else OpenBLAS or Accelerate, else the portable kernel.
        case automatic
        /// The portable kernel, whatever else is there.
        case portable
    }

    /// What computes the products from now on, in the whole process.
    package static var provider: Provider {
        get { matrix_product_selected() == MATRIX_PRODUCT_PORTABLE ? .portable : .automatic }
        set {
            matrix_product_select(newValue == .portable ? MATRIX_PRODUCT_PORTABLE : MATRIX_PRODUCT_AUTOMATIC)
        }
    }

    /// Whether a library was found, whatever is selected.
    package static var hasLibrary: Bool { matrix_product_has_library() }

    /// "OpenBLAS 0.3.21 …", "Accelerate" or "portable kernel".
    package static var providerDescription: String { String(cString: matrix_product_description()) }

    /// Why the portable kernel is in use although nobody asked for it, or nil.
    package static var remark: String? { matrix_product_remark().map { String(cString: $0) } }

    /// What keeps the library from what the processor could do, or nil.
    package static var limit: String? { matrix_product_limit().map { String(cString: $0) } }

    /// Lets the library spread each product over so many threads of its own while `body` runs.
    ///
    /// - Returns: nil, with nothing done, where there is no library or none that can be told.
    package static func withLibraryThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows
        -> Result?
    {
        guard matrix_product_set_library_threads(Int32(clamping: count)) else { return nil }
        defer { _ = matrix_product_set_library_threads(1) }
        return try body()
    }

    /// target ← scale · left · right, or left · rightᵀ; on the calling thread alone.
    package static func multiply(
        _ left: Matrix, _ right: Matrix, transposingRight: Bool, into target: Matrix, scale: Float = 1
    ) {
        guard target.rowCount > 0, target.columnCount > 0 else { return }
        matrix_product(
            false, transposingRight, Int32(target.rowCount), Int32(target.columnCount),
            Int32(left.columnCount),
            scale, left.start, Int32(left.stride), right.start, Int32(right.stride), 0, target.start,
            Int32(target.stride))
    }

    /// A part of a product's result: the rows and columns that one task computes.
    package struct Tile: Sendable {
        package let rows: Range<Int>
        package let columns: Range<Int>
    }

    /// How a result is cut into tasks: by its size alone, so that sums are the same for any number of threads.
    ///
    /// Measured with OpenBLAS 0.3.21 at the shapes of ViT-B and ViT-L: for the rows of one image, strips of 192
    /// columns reach its own two-thread rate and leave something to share when one core is held up. For many
    /// rows strips twice as wide are 6 % faster, for the left side is packed again for each of them. Many rows are
    /// cut as well, so that there are several tasks for each core.
    package static func tiles(rows: Int, columns: Int) -> [Tile] {
        let rowStep = evenStep(rows, limit: 800)
        let columnStep = evenStep(columns, limit: rows < 400 ? 192 : 384)
        var tiles: [Tile] = []
        for row in stride(from: 0, to: rows, by: rowStep) {
            for column in stride(from: 0, to: columns, by: columnStep) {
                tiles.append(
                    Tile(
                        rows: row..<min(row + rowStep, rows),
                        columns: column..<min(column + columnStep, columns)))
            }
        }
        return tiles
    }

    /// The step, a multiple of 16 where it matters, that cuts `length` into pieces of nearly equal size.
    private static func evenStep(_ length: Int, limit: Int) -> Int {
        guard length > limit else { return max(1, length) }
        let pieces = (length + limit - 1) / limit
        return ((length + pieces - 1) / pieces + 15) / 16 * 16
    }

    /// target ← left · rightᵀ over all cores; `finish` runs on each tile while it is still in the cache.
    package static func spread(
        _ left: Matrix, transposed right: Matrix, into target: Matrix, finish: @Sendable (Tile) -> Void
    ) {
        spread(left, right, transposingRight: true, into: target, finish: finish)
    }

    /// target ← left · right, or left · rightᵀ, in the same way.
    package static func spread(
        _ left: Matrix, _ right: Matrix, transposingRight: Bool, into target: Matrix,
        finish: @Sendable (Tile) -> Void = { _ in }
    ) {
        let tiles = tiles(rows: target.rowCount, columns: target.columnCount)
        Parallel.forEach(tiles.count) { index in
            let tile = tiles[index]
            multiply(
                left.rows(tile.rows),
                transposingRight ? right.rows(tile.columns) : right.columns(tile.columns),
                transposingRight: transposingRight,
                into: target.rows(tile.rows).columns(tile.columns))
            finish(tile)
        }
    }
}
