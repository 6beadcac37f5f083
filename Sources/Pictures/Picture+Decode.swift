import CImages
import TensorCore

extension Picture {
    /// Pillow refuses larger pictures, too (`MAX_IMAGE_PIXELS`, twice).
    private static let mostPixels = 178_956_970
    /// No compression of either kind makes more pixels of a byte: deflate does 1032:1, and a pixel takes a bit.
    private static let mostPixelsPerByte = 8300
    private static let largestFile = 1 << 30

    /// Reads a JPEG or PNG picture, which is told by its content, as Pillow's `Image.open(path).convert("RGB")` does:
    /// alpha is dropped, an orientation noted in EXIF is not heeded.
    ///
    /// - Throws: `PictureError` for what is no such picture, is damaged, too large, or whose library is not installed.
    /// - Complexity: memory for the file and its pixels, as many as the size of the file justifies.
    public init(path: String) throws(PictureError) {
        do {
            let file = try OpenFile(path: path)
            guard file.size <= Self.largestFile else {
                throw PictureError("a picture of \(file.size) bytes; at most \(Self.largestFile) are read")
            }
            try self.init(decoding: try ByteRegion(file).array())
        } catch {
            throw PictureError("\(path): \(error)")
        }
    }

    /// Reads a picture that is in memory.
    package init(decoding bytes: [UInt8]) throws(PictureError) {
        var header = image_header()
        let isJPEG = bytes.starts(with: [0xFF, 0xD8, 0xFF])
        guard isJPEG || bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else {
            throw PictureError("expected a JPEG or PNG picture, found other bytes")
        }
        let kind = isJPEG ? "JPEG" : "PNG"
        let isKnown =
            isJPEG
            ? image_jpeg_header(bytes, bytes.count, &header) : image_png_header(bytes, bytes.count, &header)
        guard isKnown else { throw Self.failure(kind) }
        let (width, height) = (Int(header.width), Int(header.height))
        let (count, overflows) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, !overflows, count <= Self.mostPixels,
            count <= Self.mostPixelsPerByte * bytes.count
        else {
            throw PictureError(
                "a \(kind) picture of \(width)×\(height) pixels in \(bytes.count) bytes: that is more than is "
                    + "read (at most \(Self.mostPixels), and no more than its bytes can hold)")
        }
        var isDecoded = false
        let raw = [UInt8](unsafeUninitializedCapacity: count * Int(header.pixel_size)) {
            buffer, initialized in
            guard let start = buffer.baseAddress else { return }
            isDecoded =
                isJPEG
                ? image_jpeg_decode(bytes, bytes.count, &header, start)
                : image_png_decode(bytes, bytes.count, &header, start)
            if isDecoded { initialized = buffer.count }
        }
        guard isDecoded else { throw Self.failure(kind) }
        let pixels =
            switch header.pixel_size {
            case 2: Self.clipped(raw)
            case 4: Self.withoutBlack(raw)
            default: raw
            }
        self.init(width: width, height: height, pixels: pixels)
    }

    private static func failure(_ kind: String) -> PictureError {
        let problem = kind == "JPEG" ? image_jpeg_problem() : image_png_problem()
        if let problem { return PictureError(String(cString: problem)) }
        return PictureError("the \(kind) picture is damaged: \(String(cString: image_message()))")
    }

    /// Grey of 16 bits, which Pillow cuts off at 255 (`I;16` to `L`).
    private static func clipped(_ raw: [UInt8]) -> [UInt8] {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(raw.count / 2 * 3)
        for index in stride(from: 0, to: raw.count, by: 2) {
            let value = raw[index] > 0 ? 255 : raw[index + 1]
            for _ in 0..<3 { pixels.append(value) }
        }
        return pixels
    }

    /// CMYK, which JPEG files hold inverted, as Adobe's programs write it. Source: Pillow, `Convert.c`, `cmyk2rgb`.
    private static func withoutBlack(_ raw: [UInt8]) -> [UInt8] {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(raw.count / 4 * 3)
        for index in stride(from: 0, to: raw.count, by: 4) {
            let white = Int(raw[index + 3])
            for channel in 0..<3 {
                let product = (255 - Int(raw[index + channel])) * white + 128
                pixels.append(UInt8(max(0, min(255, white - ((product >> 8) + product) >> 8))))
            }
        }
        return pixels
    }
}

/// The libraries that decode pictures.
package enum PictureLibraries {
    /// Why a library cannot be used; nil when it can. Asking loads it.
    package static var jpegProblem: String? { image_jpeg_problem().map { String(cString: $0) } }
    /// The same for libpng.
    package static var pngProblem: String? { image_png_problem().map { String(cString: $0) } }
    /// libpng's version, once it is loaded.
    package static var pngVersion: String? { image_png_version().map { String(cString: $0) } }
}
