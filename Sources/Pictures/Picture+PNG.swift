extension Picture {
    /// The picture as a PNG file.
    package func png() throws(PictureError) -> [UInt8] {
        var rows: [UInt8] = []
        rows.reserveCapacity(height * (width * 3 + 1))
        for row in 0..<height {
            let line = pixels[row * width * 3..<(row + 1) * width * 3]
            // Filter 1: each byte less the one of the pixel to the left.
            rows.append(1)
            rows += line.prefix(3)
            rows += zip(line.dropFirst(3), line).map { $0 &- $1 }
        }
        return try PNGFile.bytes(width: width, height: height, kind: .trueColour, rows: rows)
    }
}
