import Pictures
import TensorCore

/// The first principal components of the patch projection's filters, as small pictures.
///
/// Source: Dosovitskiy et al., arXiv 2010.11929, figure 7, on the left.
struct PatchFilters {
    /// How many components are drawn, as in the paper.
    static let count = 28
    private static let columns = 7
    private static let gap = 2
    /// The most elements of the weight, and of one filter.
    private static let sizeLimit = (weight: 1 << 23, filter: 1 << 13)

    /// Each as values from −1 to 1, `channels · height · width`.
    let components: [[Double]]
    private let channels: Int
    private let height: Int
    private let width: Int

    /// - Parameter weight: `[filters, channels, height, width]`.
    /// - Returns: nil for what is no projection of grey or coloured patches of common size.
    /// - Throws: whatever reading the file throws.
    init?(_ weight: TensorView) throws {
        let shape = weight.shape
        guard shape.rank == 4, shape[1] == 1 || shape[1] == 3, shape[2] > 1, shape[3] > 1, shape[0] > 1,
            shape.elementCount <= Self.sizeLimit.weight,
            shape.elementCount / shape[0] <= Self.sizeLimit.filter
        else { return nil }
        (channels, height, width) = (shape[1], shape[2], shape[3])
        let values = try weight.floats()
        let length = shape.elementCount / shape[0]
        let rows = (0..<shape[0]).map { Array(values[$0 * length..<($0 + 1) * length]) }
        components = PrincipalComponents(rows, count: Self.count).directions.map { direction in
            let largest = direction.reduce(0) { max($0, abs($1)) }
            return direction.map { largest > 0 ? $0 / largest : 0 }
        }
        if components.isEmpty { return nil }
    }

    /// The components in rows of seven; zero is middle grey.
    var picture: Picture {
        let columns = min(Self.columns, components.count)
        let lines = (components.count + columns - 1) / columns
        let (stepDown, stepRight) = (height + Self.gap, width + Self.gap)
        var picture = Picture(
            width: columns * stepRight - Self.gap, height: lines * stepDown - Self.gap,
            filledWith: [128, 128, 128])
        for (number, component) in components.enumerated() {
            let (top, left) = (number / columns * stepDown, number % columns * stepRight)
            for row in 0..<height {
                for column in 0..<width {
                    let colour = (0..<3).map { channel -> UInt8 in
                        let plane = min(channel, channels - 1)
                        let value = component[(plane * height + row) * width + column]
                        return UInt8(((value + 1) / 2 * 255).rounded())
                    }
                    picture.set(colour, row: top + row, column: left + column)
                }
            }
        }
        return picture
    }
}
