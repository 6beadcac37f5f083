/// A picture of few colours: a number for each pixel, row by row.
package struct IndexedPicture: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// Red, green and blue of at most 256 colours.
    package let palette: [[UInt8]]
    package var pixels: [UInt8]

    /// A picture of the palette's colour of that number everywhere.
    package init(width: Int, height: Int, palette: [[UInt8]], filledWith colour: Int) {
        self.width = width
        self.height = height
        self.palette = palette
        pixels = [UInt8](repeating: UInt8(colour), count: width * height)
    }

    /// The picture as a PNG file.
    package func png() throws(PictureError) -> [UInt8] {
        var rows: [UInt8] = []
        rows.reserveCapacity(height * (width + 1))
        for row in 0..<height {
            // Filter 0: numbers of colours have no differences worth packing.
            rows.append(0)
            rows += pixels[row * width..<(row + 1) * width]
        }
        return try PNGFile.bytes(
            width: width, height: height, kind: .indexed, palette: palette.flatMap(\.self), rows: rows)
    }
}
