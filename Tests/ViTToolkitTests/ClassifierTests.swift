import TestSupport
import Testing

@testable import ViTToolkit

/// Pictures classified by a model, against timm (`Fixtures/generator/pictures.py`).
@Suite struct ClassifierTests {
    private static func classifier(_ options: ClassificationOptions = .init()) throws -> Classifier {
        let checkpoint = try Checkpoint(path: Fixtures.path("models/vit_demo.pth"))
        return try Classifier(try PreparedModel(checkpoint), options: options)
    }

    private static func said(_ name: String, _ key: String) throws -> [Double] {
        let json = try JSONParser.parse(try Fixtures.bytes("pictures/said.json"))
        let values = json[name]?[key]?.array?.compactMap { $0.double }
        return try #require(values)
    }

    @Test(arguments: ["landscape.jpg", "portrait.jpg", "palette.png"]) func saysWhatTimmSays(name: String)
        throws
    {
        let picture = try Picture(path: Fixtures.path("pictures/" + name))
        let classifier = try Self.classifier()
        let guesses = try classifier.classify(picture)
        let expected = try Self.said(name, "probabilities")
        #expect(guesses.map(\.index) == expected.indices.sorted { expected[$0] > expected[$1] })
        for guess in guesses { #expect(abs(guess.probability - expected[guess.index]) < 1e-3) }
        let shares = try classifier.rollout(try classifier.transform.input(from: picture))
        let rollout = try Self.said(name, "rollout")
        #expect(shares.count == rollout.count)
        #expect(zip(shares, rollout).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    /// The patch that counts most is as bright as in the picture, the one that counts least almost dark.
    @Test func attentionIsLight() throws {
        let picture = Picture(width: 32, height: 32, filledWith: [200, 200, 200])
        let classifier = try Self.classifier()
        let lit = try classifier.attention(picture)
        #expect(lit.width == 64 && lit.height == 64)
        let shares = try classifier.rollout(try classifier.transform.input(from: picture))
        let best = try #require(shares.indices.max { shares[$0] < shares[$1] })
        let worst = try #require(shares.indices.min { shares[$0] < shares[$1] })
        func middle(_ patch: Int) -> UInt8 {
            lit.pixels[((patch / 4 * 16 + 8) * 64 + patch % 4 * 16 + 8) * 3]
        }
        #expect(middle(best) > 150 && middle(worst) < 90)
    }

    @Test func whatIsMissingIsGuessedAndSaid() throws {
        #expect(try Self.classifier().remarks.count == 1)
        var options = ClassificationOptions()
        options.mean = [0, 0, 0]
        options.standardDeviation = [1, 1, 1]
        options.cropRatio = 0.5
        let told = try Self.classifier(options)
        #expect(told.remarks.isEmpty)
        #expect(told.transform.mean == [0, 0, 0] && told.transform.resizing == Resizing(cropRatio: 0.5))
    }

    @Test(arguments: [
        ("tench\ngoldfish\n", ["tench", "goldfish"]), ("tench\r\ngoldfish", ["tench", "goldfish"]),
        ("[\"tench\", \"goldfish\"]", ["tench", "goldfish"]),
        ("{\"1\": \"goldfish\", \"0\": \"tench\"}", ["tench", "goldfish"]),
        ("{\"0\": [\"n01440764\", \"tench\"], \"1\": [\"n01443537\", \"goldfish\"]}", ["tench", "goldfish"]),
    ])
    func labels(text: String, names: [String]) throws {
        let folder = try TemporaryFolder()
        #expect(try readLabels(at: try folder.file("labels", Array(text.utf8))) == names)
    }

    @Test(arguments: ["{\"0\": \"tench\", \"2\": \"shark\"}", "[1, 2]", "{\"0\": ", "\u{1}\u{FF}"])
    func noLabels(text: String) throws {
        let folder = try TemporaryFolder()
        var bytes = Array(text.utf8)
        if bytes[0] == 1 { bytes = [0xFF, 0xFE] }
        let path = try folder.file("labels", bytes)
        #expect(throws: (any Error).self) { try readLabels(at: path) }
    }

    @Test func refusals() throws {
        var options = ClassificationOptions()
        options.labels = ["one"]
        #expect(throws: ToolkitError.self) { try Self.classifier(options) }
        var heads = ModelOptions()
        heads.heads = 3
        let features = try Checkpoint(path: Fixtures.path("models/features.safetensors"))
        let headless = try PreparedModel(features, options: heads)
        #expect(throws: ToolkitError.self) { try Classifier(headless) }
    }
}
