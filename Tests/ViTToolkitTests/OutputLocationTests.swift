import TestSupport
import Testing

@testable import ViTToolkit

/// Where a model goes, and what stands beside it.
@Suite struct OutputLocationTests {
    @discardableResult
    private func write(
        _ output: String, _ scheme: String? = "huggingface", from name: String = "plain"
    ) throws -> Conversion {
        let fixture = try ModelFixture.named(name)
        var form = OutputForm()
        form.scheme = scheme
        return try convert(
            try Checkpoint(path: fixture.path), to: output, options: fixture.options, form: form)
    }

    private func exists(_ path: String) -> Bool { (try? OpenFile(path: path)) != nil }

    @Test(arguments: ["made/", "made", "there/", "there"])
    func aFolderHoldsAWholeModel(_ name: String) throws {
        let folder = try TemporaryFolder()
        mkdir(folder.path + "there", 0o777)
        let output = folder.path + name
        let conversion = try write(output)
        #expect(conversion.remarks.isEmpty)
        let model = try PreparedModel(try Checkpoint(path: output))
        #expect(model.scheme == "huggingface")
        #expect(try model.configuration.heads == 3)
        #expect(try model.configuration.layerNormEpsilon == 1e-6)
        // Once more over itself.
        try write(output)
    }

    @Test func aPreprocessorIsDescribedWhereItIsKnown() throws {
        let folder = try TemporaryFolder()
        try write(folder.path + "known/", from: "hf_vit_sharded")
        let model = try PreparedModel(try Checkpoint(path: folder.path + "known"))
        #expect(try model.configuration.preprocessing?.mean == [0.5, 0.4, 0.3])
        #expect(try model.configuration.labels?.first == "tench")
        try write(folder.path + "unknown/")
        #expect(!exists(folder.path + "unknown/preprocessor_config.json"))
    }

    @Test func aFailureLeavesNoFolder() throws {
        let folder = try TemporaryFolder()
        #expect(throws: (any Error).self) { try write(folder.path + "none/", from: "registers") }
        #expect(throws: (any Error).self) {
            let fixture = try ModelFixture.named("plain")
            var form = OutputForm()
            form.scheme = "huggingface"
            var wrong = ToleranceOptions()
            wrong.absolute = 0
            wrong.relative = 0
            try convert(
                try Checkpoint(path: fixture.path), to: folder.path + "none/", options: fixture.options,
                form: form, references: [Fixtures.path("models/plain_other.reference.safetensors")],
                tolerance: wrong)
        }
        var status = stat()
        #expect(stat(folder.path + "none", &status) != 0)
    }

    @Test func anotherModelsConfigurationStays() throws {
        let folder = try TemporaryFolder()
        let text = Array("{\"model_type\": \"resnet\"}".utf8)
        let existing = try AtomicFile(replacing: folder.path + "config.json")
        try existing.write(text)
        try existing.commit()
        let error = #expect(throws: CheckpointError.self) { try write(folder.path) }
        #expect(try #require(error).description.contains("config.json"))
        #expect(try ByteRegion(try OpenFile(path: folder.path + "config.json")).array() == text)
        #expect(!exists(folder.path + "model.safetensors"))
    }

    @Test func onlyTransformersNamesMakeAFolder() throws {
        let folder = try TemporaryFolder()
        for scheme in [nil, "jax", "torchvision"] {
            let error = #expect(throws: CheckpointError.self) { try write(folder.path, scheme) }
            #expect(try #require(error).description.contains("is a folder"))
        }
        #expect(throws: ToolkitError.self) { try write(folder.path + "name", "jax") }
        let remarks = try write(folder.path + "file.safetensors").remarks
        #expect(remarks.contains { $0.contains("from_pretrained wants a folder") })
        #expect(!exists(folder.path + "config.json"))
    }

    @Test func onlyAnNpzIsCompressed() throws {
        let folder = try TemporaryFolder()
        let fixture = try ModelFixture.named("plain")
        var form = OutputForm()
        form.isCompressed = true
        for ending in [".swt", ".safetensors", ".pth", ".h5"] {
            let error = #expect(throws: ToolkitError.self) {
                try convert(
                    try Checkpoint(path: fixture.path), to: folder.path + "out" + ending,
                    options: fixture.options,
                    form: form)
            }
            #expect(try #require(error).isUsage)
        }
    }
}
