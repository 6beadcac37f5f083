import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// What `Fixtures/report` holds, and what numpy computes of it.
enum ReportFixture {
    static func golden() throws -> JSONValue {
        try JSONParser.parse(try Fixtures.bytes("report/report.golden.json"))
    }

    static func file(_ name: String) throws -> Checkpoint {
        try Checkpoint(path: Fixtures.path("report/" + name))
    }
}

@Suite struct ReportPictureTests {
    @Test(arguments: ["values.safetensors", "values.pth"], [1, 100, TensorHistogram.pieceLimit])
    func histogramsAreNumPys(_ name: String, _ pieceLimit: Int) throws {
        let golden = try #require(try ReportFixture.golden()["histograms"]?.members)
        let file = try ReportFixture.file(name)
        #expect(golden.count == 13 && golden.count == file.tensors.count)
        for (tensor, expected) in golden.map({ ($0.key, $0.value) }) {
            let view = try #require(file.tensor(tensor))
            let histogram = try TensorHistogram(view, try TensorStatistics(view), pieceLimit: pieceLimit)
            #expect(histogram.counts == expected.array?.compactMap(\.integer), "\(tensor)")
        }
    }

    /// The difference of the bounds is infinite, or too small to be halved, or nothing.
    private static let extremes: [(values: [Double], bins: [Int: Int])] = [
        ([-1.7e308, 0, 1.7e308], [0: 1, 16: 1, 31: 1]),
        ([Double.leastNonzeroMagnitude, 2 * Double.leastNonzeroMagnitude], [0: 1, 31: 1]),
        ([1e300, 1e300], [0: 2]), ([-0.0, 0], [16: 2]),
    ]

    @Test(arguments: extremes)
    func extremeRanges(_ values: [Double], _ bins: [Int: Int]) throws {
        let bytes = values.withUnsafeBytes { ByteRegion([UInt8]($0)) }
        let view = try TensorView(
            storage: .bytes(bytes, .little), dtype: .f64, shape: Shape([values.count]))
        let histogram = try TensorHistogram(view, try TensorStatistics(view))
        #expect(histogram.counts == (0..<32).map { bins[$0] ?? 0 })
    }

    @Test func principalComponentsAreNumPys() throws {
        let expected = try #require(try ReportFixture.golden()["components"]?.array)
        let weight = try #require(try ReportFixture.file("filters.safetensors").tensor("weight"))
        let values = try weight.floats()
        let rows = (0..<24).map { Array(values[$0 * 48..<($0 + 1) * 48]) }
        let found = PrincipalComponents(rows, count: expected.count).directions
        #expect(found.count == 8)
        for (direction, row) in zip(found, expected) {
            for (value, other) in zip(direction, row.array ?? []) {
                #expect(abs(value - (other.double ?? .nan)) < 1e-6)
            }
        }
    }

    @Test func whatHasNoDirectionsHasNone() {
        #expect(PrincipalComponents([], count: 3).directions.isEmpty)
        #expect(PrincipalComponents([[1, 2], [1, 2]], count: 3).directions.isEmpty)
        #expect(PrincipalComponents([[.nan, 2], [1, 2]], count: 3).directions.isEmpty)
        let line = PrincipalComponents([[3, 0], [1, 0]], count: 3).directions
        #expect(line.count == 1)
        #expect(zip(line.joined(), [1, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test func filtersAreDrawnWithTheirSigns() throws {
        let weight = try #require(try ReportFixture.file("filters.safetensors").tensor("weight"))
        let filters = try #require(try PatchFilters(weight))
        let picture = filters.picture
        #expect(filters.components.count == 20 && picture.width == 7 * 6 - 2 && picture.height == 3 * 6 - 2)
        let first = filters.components[0]
        let place = try #require(first.indices.max { first[$0] < first[$1] })
        let (channel, row, column) = (place / 16, place / 4 % 4, place % 4)
        #expect(picture.pixels[(row * picture.width + column) * 3 + channel] == 255)
        // Between two of them.
        #expect(Array(picture.pixels[4 * 3..<6 * 3]) == [UInt8](repeating: 128, count: 6))
    }

    @Test(arguments: [[24, 2, 4, 4], [24, 48], [1, 3, 4, 4], [24, 3, 1, 4], [2, 3, 200, 200]])
    func whatIsNoPatchIsNotDrawn(_ dimensions: [Int]) throws {
        let shape = try Shape(dimensions)
        let values = (0..<shape.elementCount).map { Float($0 % 7) }
        let bytes = values.withUnsafeBytes { ByteRegion([UInt8]($0)) }
        let view = try TensorView(storage: .bytes(bytes, .little), dtype: .f32, shape: shape)
        #expect(try PatchFilters(view) == nil)
    }

    @Test func similaritiesAreNumPys() throws {
        let expected = try #require(try ReportFixture.golden()["similarities"]?.array)
        let view = try #require(try ReportFixture.file("positions.safetensors").tensor("positions"))
        let values = try view.floats()
        let vectors = (0..<12).map { Array(values[$0 * 8..<($0 + 1) * 8]) }
        let similarity = try #require(PositionSimilarity(vectors, height: 4, width: 3))
        #expect(similarity.maps.count == 12)
        for (map, row) in zip(similarity.maps, expected) {
            for (value, other) in zip(map, row.array ?? []) {
                #expect(abs(Double(value) - (other.double ?? .nan)) < 1e-6)
            }
        }
        let picture = similarity.picture
        #expect(picture.width == 3 * 13 - 1 && picture.height == 4 * 17 - 1)
        // Each position is like itself, in the brightest colour: that of row 2, column 1, in its own map.
        #expect(picture.pixels[(2 * 17 + 2 * 4) * picture.width + 13 + 4] == 63)
        #expect(picture.pixels[12] == 64)
    }

    @Test func largeGridsHaveFewerMaps() throws {
        let vectors = (0..<60 * 60).map { [Float($0 % 7), 1] }
        let similarity = try #require(PositionSimilarity(vectors, height: 60, width: 60))
        #expect(similarity.rows == [7, 22, 37, 52] && similarity.maps.count == 16)
        #expect(PositionSimilarity([[Float]](repeating: [1], count: 40_000), height: 200, width: 200) == nil)
        #expect(PositionSimilarity([[1]], height: 1, width: 1) == nil)
    }

    /// RFC 4648, section 10; and the last letters of the alphabet, by Python.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64(_ text: String, _ expected: String) {
        #expect(Base64.text(of: Array(text.utf8)) == expected)
        #expect(Base64.text(of: [0xFB, 0xEF, 0xFF, 0xFF]) == "++///w==")
    }
}
