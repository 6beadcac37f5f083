import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// Every model form, converted and run, against the logits and activations of timm itself.
@Suite struct ParityTests {
    @Test func allFormsAreThere() { #expect(ModelFixture.all.count > 40) }

    /// The largest error may be 1e-5 of the logits' scale, and the same for each activation.
    @Test(arguments: ModelFixture.all)
    func agreesWithTimm(_ fixture: ModelFixture) throws {
        let report = try verify(try fixture.prepared(), reference: fixture.referencePath).report
        let reference = try Checkpoint(path: fixture.referencePath)
        for comparison in report.activations + [report.logits] {
            let scale = try #require(reference.tensor(comparison.name)).floats().reduce(0) {
                max($0, abs($1))
            }
            #expect(
                comparison.maxAbsoluteError <= 1e-5 * Double(scale),
                "\(comparison.name): \(comparison.maxAbsoluteError) of \(scale)")
            #expect(comparison.message == nil)
        }
        #expect(report.notCompared.isEmpty)
        #expect(report.top1Agreement == 1)
    }

    @Test(arguments: ModelFixture.all)
    func configurationIsInferred(_ fixture: ModelFixture) throws {
        let ours = try fixture.prepared().configuration.json
        for member in fixture.configuration.members ?? [] {
            // Facts that the index spells otherwise.
            guard let value = ours[member.key] else { continue }
            #expect(value == member.value || value.double == member.value.double, "\(member.key)")
        }
    }

    /// The same through an `.swt` file, where nothing need be given any more.
    @Test(arguments: [
        "vit_demo", "prelogits_wider", "deit_distilled", "rect", "quick_gelu", "avgpool_norm", "half_bf16",
    ])
    func survivesTheFile(_ name: String) throws {
        let fixture = try ModelFixture.named(name)
        let folder = try TemporaryFolder()
        try convert(try Checkpoint(path: fixture.path), to: folder.path + "m.swt", options: fixture.options)
        let reopened = try PreparedModel(try Checkpoint(path: folder.path + "m.swt"))
        let logits = try #require(try Checkpoint(path: fixture.referencePath).tensor("logits")).floats()
        let report = try verify(reopened, reference: fixture.referencePath).report
        #expect(report.logits.maxAbsoluteError <= 1e-5 * Double(logits.reduce(0) { max($0, abs($1)) }))
        #expect(try reopened.configuration == fixture.prepared().configuration)
    }

    @Test func aWrongConventionFailsAndIsPlaced() throws {
        let fixture = try ModelFixture.named("vit_demo")
        var options = fixture.options
        options.gelu = .tanh
        let prepared = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        let report = try verify(prepared, reference: fixture.referencePath).report
        #expect(!report.passed)
        #expect(report.firstDivergence == "blocks.0.mlp.act")
    }

    @Test func thePortableKernelAgreesToo() throws {
        let fixture = try ModelFixture.named("vit_demo")
        let before = MatrixProduct.provider
        MatrixProduct.provider = .portable
        defer { MatrixProduct.provider = before }
        #expect(try verify(try fixture.prepared(), reference: fixture.referencePath).report.passed)
    }
}
