import TensorCore

/// A picture of 8 bits in each of red, green and blue, row by row.
public struct Picture: Sendable, Equatable {
    /// The number of columns.
    public let width: Int
    /// The number of rows.
    public let height: Int
    /// Three bytes for each pixel.
    public internal(set) var pixels: [UInt8]

    /// - Parameter pixels: `width · height · 3` bytes.
    package init(width: Int, height: Int, pixels: [UInt8]) {
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// One colour everywhere.
    package init(width: Int, height: Int, filledWith colour: [UInt8]) {
        self.init(
            width: width, height: height,
            pixels: (0..<width * height).flatMap { _ in [colour[0], colour[1], colour[2]] })
    }

    /// Gives a pixel a colour of three bytes.
    package mutating func set(_ colour: [UInt8], row: Int, column: Int) {
        pixels.replaceSubrange((row * width + column) * 3..<(row * width + column + 1) * 3, with: colour)
    }
}

/// Why a picture cannot be read.
public struct PictureError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was expected and what was found, with the file's name where there is one.
    public let description: String

    package init(_ description: String) {
        self.description = description
    }
}
