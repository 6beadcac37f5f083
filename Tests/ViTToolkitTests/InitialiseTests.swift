import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// Freshly initialised models: their numbers, for ever and everywhere, and the files they are written to.
@Suite struct InitialiseTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Tiny and small variants, drawn by another implementation of the same algorithms and with timm's names and
    /// shapes. Blocks between the first and the last are drawn like these, and left out for the time they take.
    @Test func numbersAreThoseOfTheFixture() throws {
        let digests = try JSONParser.parse(Fixtures.bytes("initialisation/digests.json"))
        #expect(digests.members?.count == 10)
        var drawn: [String: String] = [:]
        for row in digests.members ?? [] {
            let configuration = try #require(ViTVariant.named(row.key)).configuration
            #expect(row.value["parameters"]?.integer == configuration.parameterCount, "\(row.key)")
            for entry in row.value.members ?? [] where entry.key != "parameters" {
                let seed = try #require(UInt64(entry.key))
                var lines = ""
                let parameters = try ViTInitialisation(configuration, seed: seed).parameters()
                for (name, tensor) in parameters.sorted(by: { $0.name < $1.name }) {
                    let block = name.split(separator: ".").dropFirst().first.flatMap { Int($0) }
                    if let block, (1...10).contains(block) { continue }
                    // The same name and shape have the same numbers in every variant.
                    let key = "\(seed) \(name) \(tensor.shape)"
                    let digest = try drawn[key] ?? Digest.sha256(tensor)
                    drawn[key] = digest
                    lines += digest + "\n"
                }
                let digest = try Digest.sha256(ByteRegion(Array(lines.utf8)))
                #expect(digest == entry.value.string, "\(row.key), seed \(seed)")
            }
        }
    }

    private static let small = {
        var c = ViTConfiguration()
        (c.imageSize, c.patchSize) = (.init(height: 16, width: 24), .init(8))
        (c.width, c.depth, c.heads, c.hidden, c.classes) = (24, 2, 3, 96, 7)
        return c
    }()

    /// Every container, in every type: what is read again are the numbers that were drawn.
    @Test(
        arguments: [".swt", ".safetensors", ".npz", ".pth", ".pt", ".bin", ".h5"], [DType.f32, .f16, .bf16])
    func everyContainerHoldsTheNumbers(_ ending: String, _ dtype: DType) throws {
        var options = ModelOptions()
        (options.seed, options.dtype) = (5, dtype)
        let path = folder.path + "m" + ending
        _ = try initialise(Self.small, named: "small", to: path, options: options, form: OutputForm())
        var reading = ModelOptions()
        (reading.heads, reading.imageSize) = (3, Self.small.imageSize)
        let read = try PreparedModel(try Checkpoint(path: path), options: reading)
        let drawn = try ViTInitialisation(Self.small, seed: 5).parameters()
        #expect(read.parameters.map(\.name) == drawn.map(\.name))
        for (parameter, (name, tensor)) in zip(read.parameters, drawn) {
            #expect(parameter.view.dtype == dtype)
            #expect(try parameter.view.floats() == tensor.converted(to: dtype).floats(), "\(name)")
        }
        // And once more the same bytes.
        let again = folder.path + "again" + ending
        _ = try initialise(Self.small, named: "small", to: again, options: options, form: OutputForm())
        #expect(
            try Digest.sha256(ByteRegion(OpenFile(path: path)))
                == Digest.sha256(ByteRegion(OpenFile(path: again))))
    }

    @Test func aFolderOfTransformers() throws {
        var form = OutputForm()
        form.scheme = "huggingface"
        let path = folder.path + "hf/"
        var configuration = Self.small
        (configuration.imageSize, configuration.distilled) = (.init(16), true)
        _ = try initialise(configuration, named: "small", to: path, options: ModelOptions(), form: form)
        let read = try PreparedModel(try Checkpoint(path: path))
        let found = try read.configuration
        #expect(read.scheme == "huggingface" && found.heads == 3 && found.distilled)
        let drawn = try ViTInitialisation(configuration, seed: 0).parameters()
        for (parameter, (name, tensor)) in zip(read.parameters, drawn) {
            #expect(try parameter.name == name && parameter.view.floats() == tensor.floats(), "\(name)")
        }
    }

    /// A head with other classes and another image size leave all the rest as it is.
    @Test func optionsChangeWhatTheyName() throws {
        var options = ModelOptions()
        (options.classes, options.imageSize, options.dropsPreLogits) = (3, .init(height: 32, width: 64), true)
        // Half precision: the smallest file of the smallest variant that there is.
        options.dtype = .f16
        let path = folder.path + "m.swt"
        let result = try initialise("deit_tiny_distilled_patch16_224", to: path, options: options)
        let read = try PreparedModel(try Checkpoint(path: path)).configuration
        #expect(read == result.configuration && result.remarks.isEmpty)
        #expect(read.classes == 3 && read.imageSize == .init(height: 32, width: 64) && read.distilled)
        #expect(try #require(read.preprocessing).mean == [0.485, 0.456, 0.406])
    }

    @Test func whatCannotBeIsRefused() throws {
        #expect(throws: ToolkitError.self) { try initialise("vit_tiny", to: folder.path + "m.swt") }
        #expect(throws: ToolkitError.self) {
            try initialise("vit_tiny_patch16_224", to: folder.path + "m.xyz")
        }
        var options = ModelOptions()
        options.imageSize = .init(8)
        #expect(throws: ViTError.self) {
            try initialise("vit_tiny_patch16_224", to: folder.path + "m.swt", options: options)
        }
        #expect(folder.names.isEmpty)
    }
}
