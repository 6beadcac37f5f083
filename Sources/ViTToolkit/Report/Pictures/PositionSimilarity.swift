import Pictures
import TensorCore

/// How alike the position embeddings of patches are: for positions of the grid, laid out as they lie in it, a map of
/// the cosine similarities with all positions.
///
/// Source: Dosovitskiy et al., arXiv 2010.11929, figure 7, in the middle.
struct PositionSimilarity {
    /// The rows and columns of the grid.
    let height: Int
    let width: Int
    /// The positions along each axis that have a map of their own.
    let rows: [Int]
    let columns: [Int]
    /// For each of them, row by row, the similarities with all positions, row by row.
    let maps: [[Float]]

    /// Pixels in all maps together: what keeps the page small.
    private static let pixelLimit = 60_000

    /// - Parameter vectors: the embeddings of the grid's positions, row by row, of equal length.
    /// - Returns: nil where the grid is too large for even a few maps.
    init?(_ vectors: [[Float]], height: Int, width: Int) {
        guard height > 0, width > 0, height * width > 1, height * width == vectors.count,
            height * width * 4 <= Self.pixelLimit
        else { return nil }
        self.height = height
        self.width = width
        let most = Int((Double(Self.pixelLimit) / Double(height * width)).squareRoot())
        let (rows, columns) = (Self.places(height, most: most), Self.places(width, most: most))
        let units = vectors.map(Self.normalised)
        maps = rows.flatMap { row in
            columns.map { column in
                let unit = units[row * width + column]
                return units.map { other in zip(unit, other).reduce(0) { $0 + $1.0 * $1.1 } }
            }
        }
        (self.rows, self.columns) = (rows, columns)
    }

    /// All places along an axis, or as many as there may be, at equal distances.
    private static func places(_ count: Int, most: Int) -> [Int] {
        guard count > most else { return Array(0..<count) }
        return (0..<most).map { ($0 * 2 + 1) * count / (2 * most) }
    }

    private static func normalised(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard norm > 0, norm.isFinite else { return vector.map { _ in 0 } }
        return vector.map { Float(Double($0) / norm) }
    }

    // MARK: Drawing

    private static let colourCount = 64
    /// Maps are at least about that wide, so that what lies between them stays thin.
    private static let leastSide = 16

    /// Maps beside one another, a square for each similarity from −1, dark, to 1, bright.
    var picture: IndexedPicture {
        let zoom = max(1, Self.leastSide / max(width, height))
        let (stepDown, stepRight) = (height * zoom + 1, width * zoom + 1)
        let palette = ColourScale.palette(Self.colourCount) + [[128, 128, 128]]
        var picture = IndexedPicture(
            width: columns.count * stepRight - 1, height: rows.count * stepDown - 1, palette: palette,
            filledWith: Self.colourCount)
        for (number, map) in maps.enumerated() {
            let (top, left) = (number / columns.count * stepDown, number % columns.count * stepRight)
            for row in 0..<height * zoom {
                for column in 0..<width * zoom {
                    let value = map[row / zoom * width + column / zoom]
                    picture.pixels[(top + row) * picture.width + left + column] = Self.colour(of: value)
                }
            }
        }
        return picture
    }

    private static func colour(of similarity: Float) -> UInt8 {
        UInt8(((max(-1, min(1, similarity)) + 1) / 2 * Float(colourCount - 1)).rounded())
    }
}
