import TensorCore
import TestSupport
import Testing
import ViTToolkit

@Suite struct ConvertTests {
    let folder: TemporaryFolder
    var output: String { folder.path + "out.swt" }

    init() throws { folder = try TemporaryFolder() }

    func bytes(_ path: String) throws -> [UInt8] { try ByteRegion(try OpenFile(path: path)).array() }

    @Test func everyParameterKeepsItsBytes() throws {
        let fixture = try ModelFixture.named("vit_demo")
        let source = try Checkpoint(path: fixture.path)
        try convert(source, to: output)
        let converted = try Checkpoint(path: output)
        #expect(converted.container == .swt)
        #expect(converted.tensors.count == source.tensors.count)
        for tensor in source.tensors {
            let copy = try #require(converted.tensor(tensor.name))
            #expect(try Digest.sha256(copy) == Digest.sha256(tensor.view), "\(tensor.name)")
        }
    }

    /// The golden file was opened with Python's safetensors and compared with the source, tensor by tensor.
    @Test func theFileIsTheGoldenOne() throws {
        try convert(
            try Checkpoint(path: try ModelFixture.named("plain").path), to: output,
            options: try ModelFixture.named("plain").options)
        #expect(try bytes(output) == Fixtures.bytes("swt/plain.swt"))
    }

    @Test func metadataSaysWhereItComesFrom() throws {
        let fixture = try ModelFixture.named("prefix_module")
        let conversion = try convert(try Checkpoint(path: fixture.path), to: output, options: fixture.options)
        let metadata = Dictionary(
            uniqueKeysWithValues: try Checkpoint(path: output).metadata.map { ($0.key, $0.value) })
        #expect(metadata["format"] == "swt")
        #expect(metadata["swt.version"] == "1")
        #expect(metadata["source.file"] == "prefix_module.pth")
        #expect(metadata["source.container"] == "torch-zip")
        #expect(metadata["source.scheme"] == "timm")
        let digest = try Digest.sha256(ByteRegion(try OpenFile(path: fixture.path)))
        #expect(metadata["source.sha256"] == digest && conversion.sourceDigest == digest)
        let provenance = try JSONParser.parse(Array(try #require(metadata["provenance"]).utf8))
        #expect(
            provenance["cls_token"]?["sources"]?.array?.first?.string?.hasSuffix("module.cls_token") == true)
    }

    @Test func theSameInputGivesTheSameBytes() throws {
        let fixture = try ModelFixture.named("vit_demo")
        try convert(try Checkpoint(path: fixture.path), to: output)
        let first = try bytes(output)
        try convert(try Checkpoint(path: fixture.path), to: output)
        #expect(try bytes(output) == first)
        #expect(folder.names == ["out.swt"])
    }

    @Test func aReferenceThatFailsLeavesWhatStoodThere() throws {
        let fixture = try ModelFixture.named("vit_demo")
        let path = try folder.file("out.swt", [1, 2, 3])
        var options = fixture.options
        options.gelu = .quick
        #expect(throws: ToolkitError.self) {
            try convert(
                try Checkpoint(path: fixture.path), to: path, options: options,
                references: [fixture.referencePath])
        }
        #expect(try bytes(path) == [1, 2, 3])
        #expect(folder.names == ["out.swt"])
        let conversion = try convert(
            try Checkpoint(path: fixture.path), to: path, references: [fixture.referencePath])
        #expect(conversion.reports.count == 1 && conversion.reports[0].passed)
    }

    @Test func theInputIsNeverTheOutput() throws {
        let path = try folder.file("model.swt", try Fixtures.bytes("swt/plain.swt"))
        #expect(throws: ToolkitError.self) { try convert(try Checkpoint(path: path), to: path) }
        #expect(try bytes(path) == Fixtures.bytes("swt/plain.swt"))
    }

    @Test(arguments: [DType.f16, .bf16])
    func parametersTakeTheTypeAskedFor(_ dtype: DType) throws {
        let fixture = try ModelFixture.named("vit_demo")
        var options = fixture.options
        options.dtype = dtype
        try convert(try Checkpoint(path: fixture.path), to: output, options: options)
        let converted = try Checkpoint(path: output)
        #expect(converted.tensors.allSatisfy { $0.view.dtype == dtype })
        // Half types have tolerances of their own.
        #expect(try verify(try PreparedModel(converted), reference: fixture.referencePath).report.passed)
    }

    @Test func headsCanBeDroppedOrMadeAnew() throws {
        let fixture = try ModelFixture.named("vit_demo")
        var options = fixture.options
        options.classes = 0
        let features = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        #expect(try features.configuration.classes == 0)
        #expect(
            try features.model().forward(FloatTensor(zeros: Shape([1, 3, 32, 32]))).shape.dimensions == [
                1, 128,
            ])
        options.classes = 5
        let fresh = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        #expect(
            try fresh.model().forward(FloatTensor(zeros: Shape([2, 3, 32, 32]))).shape.dimensions == [2, 5])
        #expect(fresh.remarks.contains { $0.contains("newly initialised") })
    }

    @Test func preLogitsCanBeLeftOut() throws {
        let fixture = try ModelFixture.named("prelogits_in21k")
        var options = fixture.options
        options.dropsPreLogits = true
        let prepared = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        #expect(try prepared.configuration.preLogits == nil)
        #expect(prepared.parameters.allSatisfy { !$0.name.hasPrefix("pre_logits") })
    }

    @Test func anotherImageSizeResamplesThePositions() throws {
        let fixture = try ModelFixture.named("vit_demo")
        var options = fixture.options
        options.imageSize = .init(height: 48, width: 64)
        let prepared = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        #expect(prepared.parameters.first { $0.name == "pos_embed" }?.view.shape.dimensions == [1, 49, 128])
        #expect(
            try prepared.model().forward(FloatTensor(zeros: Shape([1, 3, 48, 64]))).shape.dimensions == [
                1, 10,
            ])
        let wrong = #expect(throws: ViTError.self) {
            try prepared.model().forward(FloatTensor(zeros: Shape([1, 3, 32, 32])))
        }
        #expect(
            wrong == .imageSize(expected: .init(height: 48, width: 64), found: .init(height: 32, width: 32)))
    }

    @Test func anIncompleteModelIsRefusedWithTheWholeReport() throws {
        let source = try Checkpoint(path: try ModelFixture.named("vit_demo").path)
        let file = try AtomicFile(replacing: folder.path + "part.safetensors")
        let part =
            source.tensors.filter { $0.name != "blocks.1.norm1.weight" }
            + [NamedTensor("blocks.1.norm1.wait", try #require(source.tensor("blocks.1.norm1.weight")))]
        try SafetensorsWriter.write(part, to: file)
        try file.commit()
        let error = #expect(throws: (any Error).self) {
            try PreparedModel(try Checkpoint(path: folder.path + "part.safetensors"))
        }
        let text = "\(try #require(error))"
        #expect(text.contains("blocks.1.norm1.weight") && text.contains("blocks.1.norm1.wait"))
    }

    @Test func severalWeightsInOneFileAreNamed() throws {
        let fixture = try ModelFixture.named("nested_ema")
        #expect(try fixture.prepared().remarks.contains { $0.contains("model_ema") })
        var options = fixture.options
        options.select = "nowhere"
        #expect(throws: (any Error).self) {
            try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        }
    }

    @Test func anUnknownEndingIsRefused() throws {
        #expect(throws: ToolkitError.self) {
            try convert(
                try Checkpoint(path: try ModelFixture.named("vit_demo").path), to: folder.path + "out.onnx")
        }
    }
}
