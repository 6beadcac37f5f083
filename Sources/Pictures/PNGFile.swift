import CZlib

/// A PNG file of 8 bits in each sample. Source: W3C, Portable Network Graphics, third edition.
enum PNGFile {
    /// The colour types of the header.
    enum Kind: UInt8 {
        case trueColour = 2
        case indexed = 3
    }

    /// - Parameters:
    ///   - palette: three bytes for each colour, of an indexed picture.
    ///   - rows: a byte for the row's filter and its samples, row by row.
    static func bytes(
        width: Int, height: Int, kind: Kind, palette: [UInt8] = [], rows: [UInt8]
    ) throws(PictureError) -> [UInt8] {
        var length = compressBound(uLong(rows.count))
        var packed = [UInt8](repeating: 0, count: Int(length))
        guard compress2(&packed, &length, rows, uLong(rows.count), 6) == Z_OK else {
            throw PictureError("zlib cannot pack the picture")
        }
        let header = bigEndian(width) + bigEndian(height) + [8, kind.rawValue, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
            + (palette.isEmpty ? [] : chunk("PLTE", palette))
            + chunk("IDAT", Array(packed.prefix(Int(length)))) + chunk("IEND", [])
    }

    private static func chunk(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        let content = Array(name.utf8) + bytes
        return bigEndian(bytes.count) + content + bigEndian(Int(crc32(0, content, uInt(content.count))))
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian) { Array($0) }
    }
}
