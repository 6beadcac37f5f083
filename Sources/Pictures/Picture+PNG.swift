import CZlib

extension Picture {
    /// The picture as a PNG file. Source: W3C, Portable Network Graphics, third edition.
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
        var length = compressBound(uLong(rows.count))
        var packed = [UInt8](repeating: 0, count: Int(length))
        guard compress2(&packed, &length, rows, uLong(rows.count), 6) == Z_OK else {
            throw PictureError("zlib cannot pack the picture")
        }
        var header = Self.bigEndian(width) + Self.bigEndian(height)
        header += [8, 2, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
            + Self.chunk("IDAT", Array(packed.prefix(Int(length)))) + Self.chunk("IEND", [])
    }

    private static func chunk(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        let content = Array(name.utf8) + bytes
        return bigEndian(bytes.count) + content + bigEndian(Int(crc32(0, content, uInt(content.count))))
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian) { Array($0) }
    }
}
