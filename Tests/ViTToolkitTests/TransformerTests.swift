import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// `torch.nn.Transformer`, converted and run, against torch itself.
@Suite struct TransformerParityTests {
    @Test func allFormsAreThere() { #expect(TransformerFixture.all.count == 6) }

    /// The largest error may be 1e-5 of the output's scale, and the same for each activation.
    @Test(arguments: TransformerFixture.all)
    func agreesWithTorch(_ fixture: TransformerFixture) throws {
        let prepared = try fixture.prepared()
        for kind in fixture.references {
            let path = fixture.reference(kind)
            let verification = try verify(prepared, reference: path)
            let reference = try Checkpoint(path: path)
            for comparison in verification.report.activations + [verification.report.logits] {
                let scale = try #require(reference.tensor(comparison.name)).floats().reduce(0) {
                    max($0, abs($1))
                }
                #expect(
                    comparison.maxAbsoluteError <= 1e-5 * Double(scale),
                    "\(kind): \(comparison.name): \(comparison.maxAbsoluteError) of \(scale)")
            }
            #expect(verification.report.logits.name == "output")
            #expect(verification.report.notCompared.isEmpty)
            #expect(verification.report.top1Agreement == nil)
            #expect(verification.remarks.isEmpty == (kind != "fast"))
        }
    }

    @Test(arguments: TransformerFixture.all)
    func configurationIsInferred(_ fixture: TransformerFixture) throws {
        let prepared = try fixture.prepared()
        #expect(prepared.architecture == "transformer")
        #expect(prepared.scheme == "torch-transformer")
        let ours = try prepared.transformerConfiguration.json
        for member in fixture.configuration.members ?? [] {
            #expect(ours[member.key] == member.value, "\(member.key)")
        }
    }

    /// Through an `.swt` nothing need be given any more; back in torch's form, order and bits are as before.
    @Test(arguments: TransformerFixture.all)
    func survivesTheFiles(_ fixture: TransformerFixture) throws {
        let folder = try TemporaryFolder()
        let source = try Checkpoint(path: fixture.path)
        let (swt, back) = (folder.path + "m.swt", folder.path + "m.pth")
        let kind = try #require(fixture.references.last)
        let conversion = try convert(
            source, to: swt, options: fixture.options, references: [fixture.reference(kind)])
        #expect(conversion.reports.map(\.passed) == [true])
        let reopened = try PreparedModel(try Checkpoint(path: swt))
        #expect(reopened.remarks.isEmpty)
        #expect(
            try reopened.transformerConfiguration == fixture.prepared().transformerConfiguration)
        #expect(try verify(reopened, reference: fixture.reference(kind)).report.passed)
        try convert(try Checkpoint(path: swt), to: back, references: [fixture.reference(kind)])
        let prefix = fixture.name == "within" ? "model.transformer." : ""
        let expected =
            source.tensors.filter { $0.name.hasPrefix(prefix + "encoder.") }
            + source.tensors.filter { $0.name.hasPrefix(prefix + "decoder.") }
        let found = try Checkpoint(path: back).tensors
        // state_dict() has each attention's own parameters before those of its modules.
        #expect(found.map { prefix + $0.name }.sorted() == expected.map(\.name).sorted())
        for tensor in found {
            let other = try #require(source.tensor(prefix + tensor.name))
            #expect(try Digest.sha256(tensor.view) == Digest.sha256(other), "\(tensor.name)")
            #expect(tensor.view.dtype == other.dtype)
        }
        let comparison = try compare(
            try Checkpoint(path: swt), try Checkpoint(path: back),
            options: {
                var options = ComparisonOptions()
                options.b = fixture.options
                return options
            }())
        #expect(comparison.isEqual)
        #expect(comparison.configuration.isEmpty)
        #expect(comparison.blocks.map(\.name).contains("encoder.layers.0"))
    }

    @Test func theWrongOrderOfNormsIsPlaced() throws {
        let fixture = try TransformerFixture.named("one_head")
        var options = fixture.options
        options.normFirst = true
        let prepared = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        let verification = try verify(prepared, reference: fixture.reference("both"))
        #expect(!verification.report.passed)
        #expect(verification.report.firstDivergence == "encoder.layers.0.norm1")
        // Neither of torch's two answers to a padded source is the reference's.
        #expect(verification.remarks.count == 1)
    }

    @Test func reportsSpeakOfAnOutput() throws {
        let fixture = try TransformerFixture.named("plain")
        let report = try verify(try fixture.prepared(), reference: fixture.reference("both")).report
        #expect(report.description.hasPrefix("parity holds: output [2, 5, 16]"))
        #expect(!report.description.contains("top-1"))
        #expect(report.json["top1Agreement"] == nil)
        let inspection = try inspect(
            try Checkpoint(path: fixture.path),
            options: {
                var options = InspectionOptions()
                options.model = fixture.options
                return options
            }())
        #expect(
            inspection.json["model"]?.string
                == "Transformer, 2 + 1 layers, width 16, 4 heads, feed-forward 24, 7.1 K parameters")
        #expect(inspection.json["configuration"]?["encoderDepth"] == .integer(2))
    }
}

/// What is none, or not whole, or asked for in vain.
@Suite struct TransformerRefusalTests {
    private func message(_ body: () throws -> Any) -> String {
        do {
            return "no error: \(try body())"
        } catch {
            return "\(error)"
        }
    }

    private func refusal(_ name: String, _ change: (inout [NamedTensor]) throws -> Void) throws -> String {
        let fixture = try TransformerFixture.named(name)
        let checkpoint = try fixture.changed(change)
        return message { try PreparedModel(checkpoint, options: fixture.options) }
    }

    @Test func damagedModelsAreNamed() throws {
        let missing = try refusal("plain") { $0.removeAll { $0.name == "encoder.layers.1.linear2.bias" } }
        #expect(missing.contains("encoder.layers.1.linear2.bias"))
        let gap = try refusal("plain") { $0.removeAll { $0.name.hasPrefix("encoder.layers.1.norm") } }
        #expect(gap.contains("encoder.layers.1.norm1.weight") && gap.contains("encoder.layers.1.norm2.bias"))
        let alone = try refusal("plain") { $0.removeAll { $0.name.hasPrefix("decoder.") } }
        #expect(alone.contains("an encoder alone (torch's nn.TransformerEncoder)"), "\(alone)")
        let extra = try refusal("plain") {
            $0.append(NamedTensor("generator.weight", $0[0].view))
        }
        #expect(extra.contains("generator.weight"))
        let uneven = try refusal("plain") {
            try $0.replace("encoder.layers.1.linear1.weight") { try $0.sliced(axis: 0, 0..<20) }
        }
        #expect(uneven.contains("encoder.layers.1.linear1.weight") && uneven.contains("[24, 16]"))
        let thin = try refusal("plain") {
            try $0.replace("decoder.layers.0.multihead_attn.in_proj_weight") {
                try $0.sliced(axis: 0, 0..<32)
            }
        }
        #expect(thin.contains("decoder.layers.0.multihead_attn.in_proj_weight") && thin.contains("[48, 16]"))
        let whole = try refusal("plain") {
            try $0.replace("encoder.norm.weight") { view in
                try TensorView(
                    storage: .bytes(ByteRegion([UInt8](repeating: 1, count: 16)), .little), dtype: .i8,
                    shape: view.shape)
            }
        }
        #expect(whole.contains("I8"), "\(whole)")
    }

    /// A file of a few bytes may claim any shape for any tensor: none makes a model, and none a trap.
    @Test func tensorsOfOddShapesMakeNoModel() throws {
        let fixture = try TransformerFixture.named("one_head")
        let checkpoint = try Checkpoint(path: fixture.path)
        for place in checkpoint.tensors.indices {
            for shape in OddShapesTests.shapes {
                let odd = try TensorView(
                    storage: .bytes(ByteRegion([0, 0, 128, 63]), .little), dtype: .f32,
                    shape: try Shape(shape),
                    strides: [Int](repeating: 0, count: shape.count))
                let changed = try fixture.changed {
                    $0[place] = NamedTensor($0[place].name, odd)
                }
                #expect(throws: (any Error).self, "\(checkpoint.tensors[place].name) \(shape)") {
                    try PreparedModel(changed, options: fixture.options)
                }
            }
        }
    }

    @Test func othersOfTheFamilyAreToldApart() throws {
        let detr = try refusal("within") {
            $0 = $0.map { NamedTensor($0.name.replacing("target_embedding", with: "query_embed"), $0.view) }
        }
        #expect(detr.contains("DETR"), "\(detr)")
        let keys = try refusal("plain") {
            $0.append(NamedTensor("decoder.layers.0.multihead_attn.k_proj_weight", $0[0].view))
        }
        #expect(keys.contains("keys of another width"))
    }

    /// A head of a Vision Transformer is none of these; and the other way round.
    @Test func optionsOfOtherArchitecturesAreRefused() throws {
        let fixture = try TransformerFixture.named("plain")
        let checkpoint = try Checkpoint(path: fixture.path)
        func refused(_ change: (inout ModelOptions) -> Void) -> String {
            var options = fixture.options
            change(&options)
            return message { try PreparedModel(checkpoint, options: options) }
        }
        #expect(refused { $0.imageSize = .init(32) }.contains("--image-size is for Vision Transformers"))
        #expect(refused { $0.classes = 3 }.contains("--num-classes is"))
        #expect(refused { $0.classes = 0 }.contains("--drop-head is"))
        #expect(
            refused { ($0.pooling, $0.dropsPreLogits) = (.average, true) }.contains(
                "--pool, --no-pre-logits are"))
        let image = try ModelFixture.named("vit_demo")
        var options = image.options
        options.normFirst = true
        #expect(
            message { try PreparedModel(try Checkpoint(path: image.path), options: options) }
                .contains("--norm-first"))
        let folder = try TemporaryFolder()
        var form = OutputForm()
        form.scheme = "jax"
        #expect(
            message {
                try convert(checkpoint, to: folder.path + "m.npz", options: fixture.options, form: form)
            }.contains("the scheme jax has names for a Vision Transformer"))
        #expect(folder.names.isEmpty)
        #expect(
            message { try fixture.prepared().model() }
                .hasSuffix("expected a Vision Transformer, found an encoder–decoder Transformer"))
        #expect(
            message { try image.prepared().transformer() }
                .hasSuffix("expected an encoder–decoder Transformer, found a Vision Transformer"))
    }

    @Test func aTypeCanBeAskedFor() throws {
        let fixture = try TransformerFixture.named("plain")
        var options = fixture.options
        options.dtype = .bf16
        let prepared = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        #expect(prepared.parameters.allSatisfy { $0.view.dtype == .bf16 })
        #expect(try verify(prepared, reference: fixture.reference("both")).report.passed)
    }

    @Test func anSwtSaysWhichArchitectureItHolds() throws {
        let folder = try TemporaryFolder()
        let fixture = try TransformerFixture.named("plain")
        try convert(
            try Checkpoint(path: fixture.path), to: folder.path + "m.swt", options: fixture.options)
        let file = try Checkpoint(path: folder.path + "m.swt")
        #expect(file.metadata.contains { $0.key == "transformer.configuration" })
        #expect(!file.metadata.contains { $0.key == "vit.configuration" })
        func reopened(_ key: String, _ value: String?) -> String {
            var contents = CheckpointContents()
            contents.tensors = file.tensors
            contents.metadata = file.metadata.filter { $0.key != key }
            if let value { contents.metadata.append((key, value)) }
            let changed = Checkpoint(contents, path: "changed.swt", container: .swt, files: [])
            return message { try PreparedModel(changed) }
        }
        #expect(
            reopened("transformer.configuration", nil)
                .contains("vit.configuration or transformer.configuration is missing"))
        #expect(reopened("transformer.configuration", #"{"width": 16}"#).contains("\"heads\""))
        #expect(reopened("swt.version", "2").contains("expected swt.version 1"))
    }

    @Test func referencesThatDoNotFitAreNamed() throws {
        let fixture = try TransformerFixture.named("plain")
        let prepared = try fixture.prepared()
        let whole = try Checkpoint(path: fixture.reference("memory")).tensors
        func refusal(_ name: String, _ change: (TensorView) throws -> TensorView?) throws -> String {
            let tensors = try whole.compactMap { tensor in
                tensor.name == name ? try change(tensor.view).map { NamedTensor(name, $0) } : tensor
            }
            return message {
                try SequenceReference(tensors.map { ($0.name, $0.view) }, width: 16).output.shape
            }
        }
        #expect(try refusal("src") { _ in nil }.contains("no 'src': expected 'src', 'tgt' and 'output'"))
        #expect(
            try refusal("tgt") { try $0.sliced(axis: 2, 0..<15) }
                == "the reference's 'tgt' has the shape [2, 5, 15], expected [2, target tokens, 16]")
        #expect(try refusal("output") { try $0.sliced(axis: 1, 0..<4) }.contains("[2, 5, 16]"))
        #expect(
            try refusal("src_key_padding_mask") { try $0.sliced(axis: 1, 0..<5) }
                == "the reference's 'src_key_padding_mask' has the shape [2, 5], expected [2, 6]")
        #expect(try refusal("tgt_mask") { try $0.sliced(axis: 0, 0..<3) }.contains("expected [5, 5]"))
        #expect(
            try refusal("tgt_mask") { view in
                try TensorView(
                    storage: .bytes(ByteRegion([UInt8](repeating: 0, count: 25)), .little), dtype: .u8,
                    shape: view.shape)
            }.contains("holds U8, expected booleans"))
        // Numbers to add serve as well: 0 and −∞ are the same mask.
        let added = try FloatTensor(try #require(whole.first { $0.name == "tgt_mask" }).view).values
        let numbers = try added.map { $0 == 0 ? 0 : -Float.infinity }.withUnsafeBytes { bytes in
            try TensorView(
                storage: .bytes(ByteRegion([UInt8](bytes)), .little), dtype: .f32, shape: try Shape([5, 5]))
        }
        let tensors = whole.map { $0.name == "tgt_mask" ? NamedTensor("tgt_mask", numbers) : $0 }
        let boolean = try SequenceReference(whole.map { ($0.name, $0.view) }, width: 16)
        #expect(try SequenceReference(tensors.map { ($0.name, $0.view) }, width: 16).masks == boolean.masks)
        // A reference of images is none.
        let images = try ModelFixture.named("vit_demo")
        #expect(
            message { try verify(prepared, reference: images.referencePath) }.contains("no 'src'"))
    }
}
