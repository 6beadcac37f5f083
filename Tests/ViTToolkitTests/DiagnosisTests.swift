import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// References that timm computed with another convention each: the cause is named, with the flag that puts it right.
@Suite struct DiagnosisTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let checkpoint: String
        let reference: String
        let options: ModelOptions
        let causes: [String]
        let flags: [String?]
        let firstDivergence: [String]?
        var testDescription: String { name }

        init(_ json: JSONValue, heads: Int) {
            let given = json["options"]
            var options = ModelOptions()
            options.heads = heads
            options.layerNormEpsilon = given?["layerNormEpsilon"]?.double
            options.imageSize = given?["imageSize"]?.integer.map { .init($0) }
            options.dropsPreLogits = given?["dropsPreLogits"]?.bool ?? false
            self.options = options
            name = json["name"]?.string ?? ""
            checkpoint = "diagnosis/" + (json["checkpoint"]?.string ?? "")
            reference = "diagnosis/" + (json["reference"]?.string ?? "")
            causes = (json["causes"]?.array ?? []).compactMap { $0["cause"]?.string }
            flags = (json["causes"]?.array ?? []).map { $0["flag"]?.string }
            firstDivergence = json["firstDivergence"]?.array?.compactMap(\.string)
        }

        static let all: [Case] = {
            guard let json = try? JSONParser.parse(try Fixtures.bytes("diagnosis/index.json")) else {
                return []
            }
            return (json["cases"]?.array ?? []).map { Case($0, heads: json["heads"]?.integer ?? 0) }
        }()

        func prepared() throws -> PreparedModel {
            try PreparedModel(try Checkpoint(path: Fixtures.path(checkpoint)), options: options)
        }

        func diagnosed() throws -> (Verification, Diagnosis) {
            let prepared = try prepared()
            let path = Fixtures.path(reference)
            let verification = try verify(prepared, reference: path)
            return (verification, try diagnose(prepared, reference: path, verification: verification))
        }
    }

    @Test func allCausesAreThere() {
        let causes = Set(Case.all.flatMap(\.causes))
        #expect(causes == Set(Diagnosis.Cause.allCases.map(\.rawValue)))
    }

    @Test(arguments: Case.all.filter { !$0.causes.isEmpty })
    func theCauseIsNamed(_ fixture: Case) throws {
        let (verification, diagnosis) = try fixture.diagnosed()
        #expect(!verification.report.passed)
        #expect(diagnosis.findings.map(\.cause.rawValue) == fixture.causes, "\(diagnosis)")
        #expect(diagnosis.findings.map(\.flag) == fixture.flags)
        #expect(diagnosis.isComplete)
        #expect(diagnosis.findings.first?.errorBefore == verification.report.logits.maxAbsoluteError)
        if let places = fixture.firstDivergence {
            #expect(places.contains(diagnosis.findings.first?.firstDivergence ?? ""), "\(diagnosis)")
        }
        for finding in diagnosis.findings { #expect((finding.flag == nil) == (finding.advice != nil)) }
    }

    /// What a flag says, said as options.
    private static func apply(
        _ flag: String, to options: inout ModelOptions, _ form: inout ReferenceForm,
        _ tolerance: inout ToleranceOptions
    ) throws {
        let words = flag.split(separator: " ").map(String.init)
        let value = words.last ?? ""
        switch words[0] {
        case "--gelu": options.gelu = .init(rawValue: value)
        case "--layer-norm-epsilon": options.layerNormEpsilon = Double(value)
        case "--heads": options.heads = Int(value)
        case "--pool": options.pooling = .init(rawValue: value)
        case "--qkv-order": options.repairs.qkvOrder = .init(value)
        case "--transposed-kernels": options.repairs.transposed = .init(rawValue: value)
        case "--pos-embed": options.repairs.positions = .init(rawValue: value)
        case "--pos-embed-resampling": options.interpolation = try #require(.init(rawValue: value))
        case "--no-pre-logits": options.dropsPreLogits = true
        case "--drop-head": options.classes = 0
        case "--dtype": options.dtype = DType(rawValue: value.uppercased())
        case "--reference-dtype": tolerance.referenceDType = DType(rawValue: value.uppercased())
        case "--apply": form.output = .init(rawValue: value)
        case "--preprocess":
            form.steps = try value.split(separator: ",").map { try #require(.init(rawValue: String($0))) }
        // An option without a value would leave the comparison as it was.
        default: Issue.record("no option is called \(words[0])")
        }
    }

    /// The logits agree when all flags are given that the diagnosis names.
    @Test(arguments: Case.all.filter { !$0.causes.isEmpty && !$0.flags.contains(nil) })
    func theFlagsPutItRight(_ fixture: Case) throws {
        var (options, form, tolerance) = (fixture.options, ReferenceForm(), ToleranceOptions())
        for flag in fixture.flags.compactMap({ $0 }) {
            try Self.apply(flag, to: &options, &form, &tolerance)
        }
        let prepared = try PreparedModel(
            try Checkpoint(path: Fixtures.path(fixture.checkpoint)), options: options)
        let report = try verify(
            prepared, reference: Fixtures.path(fixture.reference), tolerance: tolerance, form: form
        ).report
        #expect(report.logits.passed, "\(report)")
    }

    /// The order of queries, keys and values goes into what is converted, with all that was done in its provenance.
    @Test func aRepairIsConverted() throws {
        let fixture = try #require(Case.all.first { $0.name == "qkv_per-head-kvq" })
        var options = fixture.options
        options.repairs.qkvOrder = QKVOrder("per-head-kvq")
        let folder = try TemporaryFolder()
        let checkpoint = try Checkpoint(path: Fixtures.path(fixture.checkpoint))
        try convert(checkpoint, to: folder.path + "m.swt", options: options)
        let written = try Checkpoint(path: folder.path + "m.swt")
        #expect(
            try verify(try PreparedModel(written), reference: Fixtures.path(fixture.reference)).report.passed)
        let provenance = written.metadata.first { $0.key == "provenance" }?.value ?? ""
        #expect(provenance.contains("reorder per-head-kvq to qkv"))
    }

    // MARK: What is not explained

    @Test func otherWeightsAreNotExplained() throws {
        let (_, diagnosis) = try #require(Case.all.first { $0.name == "other_weights" }).diagnosed()
        #expect(diagnosis.findings.isEmpty && !diagnosis.isComplete)
        #expect(diagnosis.suspicions.first?.contains("first activation that diverges is patch_embed") == true)
        #expect("\(diagnosis)".hasPrefix("diagnosis: no usual cause explains the difference"))
    }

    @Test func imagesInAnotherOrderAreSuspected() throws {
        let (_, diagnosis) = try #require(Case.all.first { $0.name == "other_order" }).diagnosed()
        #expect(diagnosis.findings.isEmpty && !diagnosis.isComplete)
        #expect(diagnosis.suspicions.contains { $0.contains("in another order than its logits: 1, 0") })
    }

    /// A right cause beside one that nothing explains brings the divergence further, and is said to do so in part.
    @Test func aCauseBesideAnotherExplainsInPart() throws {
        let fixture = try #require(Case.all.first { $0.name == "heads_traced" })
        let reference = try Checkpoint(path: Fixtures.path(fixture.reference))
        let folder = try TemporaryFolder()
        // The reference's last block is another's from here on.
        let changed = reference.tensors.map { tensor in
            let isBehind = ["blocks.1", "norm", "head", "logits"].contains(tensor.name)
            return (tensor.name, isBehind ? 1 : 0, tensor.view)
        }
        let tensors = try changed.map { name, shift, view in
            var values = try FloatTensor(view)
            if shift > 0 { for place in values.values.indices { values.values[place] += Float(place % 3) } }
            return (name: name, tensor: values)
        }
        try save(tensors, to: folder.path + "reference.npz")
        let prepared = try fixture.prepared()
        let verification = try verify(prepared, reference: folder.path + "reference.npz")
        let diagnosis = try diagnose(
            prepared, reference: folder.path + "reference.npz", verification: verification)
        #expect(diagnosis.findings.map(\.cause) == [.heads])
        #expect(!diagnosis.isComplete)
        #expect("\(diagnosis)".hasPrefix("diagnosis: explained in part"))
        #expect(diagnosis.suspicions.first?.contains("first activation that diverges is blocks.1 ") == true)
    }

    // MARK: What passes

    @Test func whatAgreesHasNoCause() throws {
        let (verification, diagnosis) = try #require(Case.all.first { $0.name == "as_given" }).diagnosed()
        #expect(verification.report.passed)
        #expect(diagnosis.findings.isEmpty && diagnosis.isComplete && diagnosis.suspicions.isEmpty)
    }

    /// timm's own references, which all agree: none of them gets a cause.
    @Test(arguments: ModelFixture.all)
    func noModelOfTimmHasACause(_ fixture: ModelFixture) throws {
        let prepared = try fixture.prepared()
        let verification = try verify(prepared, reference: fixture.referencePath)
        let diagnosis = try diagnose(
            prepared, reference: fixture.referencePath, verification: verification)
        #expect(diagnosis.findings.isEmpty, "\(diagnosis)")
    }

    @Test func whatWouldComeNearerIsSaid() throws {
        let fixture = try ModelFixture.named("epsilon_1e-12")
        var options = fixture.options
        options.layerNormEpsilon = 1e-5
        let prepared = try PreparedModel(try Checkpoint(path: fixture.path), options: options)
        let loose = ToleranceOptions(absolute: 1e-2, relative: 1e-2)
        let verification = try verify(prepared, reference: fixture.referencePath, tolerance: loose)
        #expect(verification.report.passed)
        let diagnosis = try diagnose(
            prepared, reference: fixture.referencePath, verification: verification)
        #expect(diagnosis.findings.map(\.flag) == ["--layer-norm-epsilon 1e-12"])
    }

    // MARK: Renderings

    @Test func theJSONHasItsShape() throws {
        let (_, diagnosis) = try #require(Case.all.first { $0.name == "pair_gelu_softmax" }).diagnosed()
        let json = JSONValue.object(diagnosis.members.map { .init($0.key, $0.value) })
        #expect(json.members?.map(\.key) == ["diagnosis", "diagnosisComplete"])
        let first = try #require(json["diagnosis"]?.array?.first)
        #expect(
            first.members?.map(\.key) == [
                "cause", "message", "errorBefore", "errorAfter", "flag", "firstDivergence",
            ])
        #expect(first["cause"] == .string("softmax"))
    }

    @Test func theTextNamesTheFlag() throws {
        let (_, diagnosis) = try #require(Case.all.first { $0.name == "epsilon_1e-12" }).diagnosed()
        let lines = "\(diagnosis)".split(separator: "\n")
        #expect(
            lines.dropFirst().first?.hasPrefix(
                "  layer-norm-epsilon: LayerNorm epsilon 1e-12 instead of 1e-6: largest error ") == true)
        #expect(lines.last == "    add            --layer-norm-epsilon 1e-12")
    }

    /// Of a model that would take long, some tens of variants are tried at most.
    @Test func largeModelsAreTriedLessOften() throws {
        var large = ViTConfiguration()
        let (_, subject) = (large.depth, try #require(Case.all.first))
        let file = try Checkpoint(path: Fixtures.path(subject.reference))
        let reference = try subject.prepared().configuration.reference(in: file)
        #expect(DiagnosisTrials(reference, large) { _ in }.limit < 100)
        (large.width, large.depth, large.hidden, large.heads) = (1280, 32, 5120, 16)
        #expect(DiagnosisTrials(reference, large) { _ in }.limit == 48)
    }
}
