import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// Training-mode passes of timm's models, whose masks were recorded: the same outputs when they are replayed.
@Suite struct TrainingTests {
    struct Fixture: Sendable, CustomTestStringConvertible {
        let name: String
        let heads: Int
        /// The modules that dropped something, in the order of the walk.
        let masks: [String]
        var testDescription: String { name }

        static let all: [Fixture] = {
            guard let bytes = try? Fixtures.bytes("training/index.json"),
                let rows = try? JSONParser.parse(bytes).array
            else { return [] }
            return rows.map { row in
                Fixture(
                    name: row["name"]?.string ?? "", heads: row["heads"]?.integer ?? 0,
                    masks: (row["masks"]?.array ?? []).compactMap(\.string))
            }
        }()

        func model() throws -> VisionTransformer {
            var options = ModelOptions()
            options.heads = heads
            return try VisionTransformer(
                path: Fixtures.path("training/\(name).safetensors"), options: options)
        }

        func tensor(_ tensorName: String) throws -> FloatTensor? {
            try Checkpoint(path: Fixtures.path("training/\(name).masks.safetensors")).tensor(tensorName).map {
                try FloatTensor($0)
            }
        }

        func existing(_ tensorName: String) throws -> FloatTensor {
            let tensor = try tensor(tensorName)
            return try #require(tensor)
        }
    }

    @Test func allFormsAreThere() { #expect(Fixture.all.count == 10) }

    @Test(arguments: Fixture.all)
    func replaysTorchsMasks(_ fixture: Fixture) throws {
        let model = try fixture.model()
        let input = try fixture.existing("input")
        var masks: [String: FloatTensor] = [:]
        for name in fixture.masks { masks[name] = try fixture.existing(name) }
        let output = try model.forward(input, dropout: masks)
        for (ours, name) in [(output.logits, "output"), (output.distillation, "output_dist")] {
            let torchs = try fixture.tensor(name)
            #expect(ours?.shape == torchs?.shape)
            #expect(try Self.error(ours, torchs) <= 1e-5, "\(name)")
        }
        // Each mask is felt: with one left out the output is another.
        for name in fixture.masks {
            var others = masks
            others[name] = nil
            let isFelt = try model.forward(input, dropout: others) != output
            #expect(isFelt, "\(name)")
        }
    }

    /// What is drawn here has torch's names and shapes.
    @Test(arguments: Fixture.all)
    func drawsWhereTorchDraws(_ fixture: Fixture) throws {
        let model = try fixture.model()
        let isPaper = fixture.name == "rates_of_the_paper"
        var rates = DropoutRates(dropout: 0.1, attention: isPaper ? 0 : 0.1, path: 0.3)
        rates.head = isPaper ? 0 : 0.2
        var generator = RandomSource(seed: 1)
        let masks = try model.dropoutMasks(count: 4, rates: rates, using: &generator)
        #expect(masks.keys.sorted() == fixture.masks.sorted())
        for name in fixture.masks {
            #expect(try masks[name]?.shape == fixture.tensor(name)?.shape, "\(name)")
        }
    }

    /// The largest distance, in units of the largest expected number.
    private static func error(_ found: FloatTensor?, _ expected: FloatTensor?) throws -> Float {
        guard let found, let expected else { return found == nil && expected == nil ? 0 : .infinity }
        let scale = expected.values.reduce(0) { max($0, abs($1)) }
        return zip(found.values, expected.values).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
    }
}
