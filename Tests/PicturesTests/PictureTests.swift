import Checkpoints
import TensorCore
import TestSupport
import Testing

@testable import Pictures

/// Pictures of every form against Pillow and timm (`Fixtures/generator/pictures.py`).
@Suite struct PictureTests {
    static let names = Fixtures.list("pictures", suffix: ".jpg") + Fixtures.list("pictures", suffix: ".png")

    private static let transforms: [(name: String, transform: EvaluationTransform)] = [
        ("center", transform(Resizing(cropRatio: 0.9))),
        ("center_all", transform(Resizing(cropRatio: 1, interpolation: .bilinear))),
        ("squash", transform(Resizing(cropRatio: 1, mode: .squash))),
        ("border", transform(Resizing(cropRatio: 0.95, mode: .border, interpolation: .lanczos))),
        ("rectangle", transform(Resizing(cropRatio: 0.875), width: 40, height: 24)),
    ]

    private static func transform(
        _ resizing: Resizing, width: Int = 32, height: Int = 32
    ) -> EvaluationTransform {
        EvaluationTransform(
            width: width, height: height, resizing: resizing, mean: [0.485, 0.456, 0.406],
            standardDeviation: [1, 1, 1])
    }

    @Test(arguments: names) func isSeenAsTimmSeesIt(name: String) throws {
        let picture = try Picture(path: Fixtures.path(name))
        let expected = try Checkpoint(path: Fixtures.path("pictures/views.safetensors"))
        for (title, transform) in Self.transforms {
            let key = title + name.dropFirst("pictures".count)
            let tensor = try #require(expected.tensor(key))
            let values = try tensor.floats()
            let view = transform.view(of: picture)
            #expect(values.count == view.pixels.count)
            let differences = zip(values, view.pixels).map { abs($0 - Float($1)) }
            #expect(differences.max() ?? 256 <= 1, "\(key)")
            // Versions of libjpeg-turbo round differently here and there; all else is the same.
            let most = name.hasSuffix(".jpg") ? differences.count / 4 : 0
            #expect(differences.count { $0 > 0 } <= most, "\(key)")
        }
    }

    @Test func theInputIsNormalised() throws {
        let picture = Picture(width: 2, height: 2, filledWith: [255, 51, 0])
        let transform = EvaluationTransform(
            width: 2, height: 2, resizing: Resizing(), mean: [0.5, 0.2, 0.1],
            standardDeviation: [0.5, 2, 0.1])
        let input = try transform.input(from: picture)
        #expect(input.shape == (try Shape([1, 3, 2, 2])))
        #expect(input.values == [1, 1, 1, 1, 0, 0, 0, 0, -1, -1, -1, -1])
    }

    /// Only the window is computed: all of it would be a picture of 32 × 25 million pixels.
    @Test func aThreadIsNotBlownUp() throws {
        let picture = Picture(width: 1, height: 800_000, filledWith: [10, 20, 30])
        let view = Self.transforms[0].transform.view(of: picture)
        #expect(view == Picture(width: 32, height: 32, filledWith: [10, 20, 30]))
    }

    @Test func itsOwnFilesAreRead() throws {
        let picture = try Picture(path: Fixtures.path("pictures/landscape.jpg"))
        #expect(try Picture(decoding: try picture.png()) == picture)
    }

    @Test func itsOwnFilesOfFewColoursAreRead() throws {
        let palette: [[UInt8]] = [[0, 0, 0], [255, 10, 20], [1, 2, 3]]
        var picture = IndexedPicture(width: 5, height: 3, palette: palette, filledWith: 2)
        picture.pixels[7] = 1
        picture.pixels[14] = 0
        let read = try Picture(decoding: try picture.png())
        #expect(read.width == 5 && read.height == 3)
        #expect(read.pixels == picture.pixels.flatMap { palette[Int($0)] })
    }

    // MARK: Hostile files

    @Test(arguments: ["pictures/landscape.jpg", "pictures/palette.png"]) func cuts(name: String) throws {
        let bytes = try Fixtures.bytes(name)
        for count in stride(from: 0, to: bytes.count - 16, by: 7) {
            #expect(throws: PictureError.self, "\(count)") {
                try Picture(decoding: Array(bytes.prefix(count)))
            }
        }
    }

    /// Every byte changed: read or refused, and nothing else.
    @Test(arguments: [
        "pictures/landscape.jpg", "pictures/progressive.jpg", "pictures/alpha.png", "pictures/deep.png",
    ])
    func changes(name: String) throws {
        let bytes = try Fixtures.bytes(name)
        var refused = 0
        for place in stride(from: 0, to: bytes.count, by: 17) {
            for value: UInt8 in [0, 0xFF, bytes[place] ^ 0x10] where value != bytes[place] {
                var changed = bytes
                changed[place] = value
                do { _ = try Picture(decoding: changed) } catch { refused += 1 }
            }
        }
        #expect(refused > 0)
    }

    @Test func sizesThatTheFileCannotHold() throws {
        var bytes = try Fixtures.bytes("pictures/landscape.jpg")
        // The frame header: marker, length, precision, height, width (ITU-T T.81, B.2.2).
        let frame = try #require(bytes.indices.first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        let error = #expect(throws: PictureError.self) { try Picture(decoding: bytes) }
        #expect(error?.description.contains("65500×65500 pixels in") == true)
    }

    @Test func whatIsNoPicture() throws {
        let error = #expect(throws: PictureError.self) {
            try Picture(path: Fixtures.path("models/plain.pth"))
        }
        #expect(
            error?.description.hasSuffix("plain.pth: expected a JPEG or PNG picture, found other bytes")
                == true)
        #expect(throws: PictureError.self) { try Picture(path: "/nonexistent.png") }
    }
}
