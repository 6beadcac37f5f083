import TestSupport
import Testing

@testable import ViTToolkit

// example
/// Pixels of a picture that has the model's size already, red, green and blue side by side, as the model takes them.
func input(_ pixels: [UInt8], for model: VisionTransformer) throws -> FloatTensor {
    let size = model.configuration.imageSize
    let area = size.height * size.width
    let normal = ViTConfiguration.Preprocessing(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
    let preprocessing = model.configuration.preprocessing ?? normal
    var input = FloatTensor(zeros: try Shape([1, 3, size.height, size.width]))
    for channel in 0..<3 {
        let mean = Float(preprocessing.mean[channel])
        let deviation = Float(preprocessing.standardDeviation[channel])
        for place in 0..<area {
            let value = Float(pixels[3 * place + channel]) / 255
            input.values[channel * area + place] = (value - mean) / deviation
        }
    }
    return input
}
// end

/// The article on models in apps.
@Suite struct UseAModelTests {
    let folder: TemporaryFolder
    let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = folder.path + "vit.swt"
        try convert(try Checkpoint(path: Fixtures.path("models/vit_demo.pth")), to: model)
    }

    /// The first guess is timm's.
    @Test func aPictureIsClassified() throws {
        let photo = Fixtures.path("pictures/landscape.jpg")
        var lines: [String] = []
        func print(_ name: String, _ probability: Double) { lines.append("\(name) \(probability)") }
        // example
        let classifier = try Classifier(PreparedModel(Checkpoint(path: model)))
        let picture = try Picture(path: photo)
        for guess in try classifier.classify(picture).prefix(5) {
            print(guess.label ?? "class \(guess.index)", guess.probability)
        }
        // end
        let said = try JSONParser.parse(try Fixtures.bytes("pictures/said.json"))
        let row = said["landscape.jpg"]?["probabilities"]?.array?.compactMap { $0.double } ?? []
        let best = row.indices.max { row[$0] < row[$1] } ?? -1
        #expect(lines.count == 5 && (lines.first ?? "").hasPrefix("class \(best) "))
    }

    /// The input is the one that the classifier makes of a picture of that size, and the logits are its.
    @Test func pixelsOfOnesOwn() async throws {
        let pixels = (0..<32 * 32 * 3).map { UInt8($0 * 7 % 256) }
        let path = model
        // example
        let model = try VisionTransformer(path: path)
        let images = try input(pixels, for: model)
        let logits = try await Task.detached { try model.forward(images) }.value
        let best = logits.values.indices.max { logits.values[$0] < logits.values[$1] }
        // end
        var options = ClassificationOptions()
        options.cropRatio = 1
        let classifier = try Classifier(PreparedModel(Checkpoint(path: path)), options: options)
        let picture = Picture(width: 32, height: 32, pixels: pixels)
        let expected = try classifier.transform.input(from: picture)
        #expect(zip(images.values, expected.values).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(images.shape == expected.shape)
        #expect(try classifier.classify(picture).first?.index == best)
    }

    @Test(arguments: ["none.swt", "page.pth", "vit.swt"]) func errorsSayWhatToDo(name: String) throws {
        let page = Fixtures.path("refused/page.pth")
        let path = name == "page.pth" ? page : folder.path + name
        func openModel() throws -> String {
            // example
            do {
                _ = try VisionTransformer(path: path)
                return "ready"
            } catch let error as CheckpointError where error.kind == .inaccessible {
                return "The model is not there: \(error)"
            } catch let error as CheckpointError {
                return "The model is damaged, or no model at all. Download it again. \(error)"
            } catch {
                return "The model is of another kind than this app can run: \(error)"
            }
            // end
        }
        let expected = ["none.swt": "The model is not there: ", "page.pth": "The model is damaged, "]
        #expect(try openModel().hasPrefix(expected[name] ?? "ready"))
    }

    @Test func anAppProvesItsModel() throws {
        let reference = Fixtures.path("models/vit_demo.reference.npz")
        // example
        let prepared = try PreparedModel(Checkpoint(path: model))
        let verification = try verify(prepared, reference: reference)
        #expect(verification.report.passed)
        // end
        #expect(!verification.report.activations.isEmpty)
    }

    @Test func theArticleShowsTheCodeThatRuns() throws {
        let code = try Article("UseAModelInYourApp").code
        #expect(code.count == 5)
        #expect(try Set(code) == Set(Article.examples(in: #filePath)))
    }
}
