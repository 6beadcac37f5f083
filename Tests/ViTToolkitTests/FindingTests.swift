import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// What `inspect` finds wrong with a file, in files that their owning libraries wrote and the generator changed.
@Suite struct FindingTests {
    private static func findings(_ name: String, statistics: Bool = false) throws -> [Finding] {
        var options = InspectionOptions()
        options.computesStatistics = statistics
        return try inspect(try Checkpoint(path: Fixtures.path(name)), options: options).findings
    }

    private static func finding(_ kind: Finding.Kind, _ name: String, statistics: Bool = false) throws
        -> Finding
    {
        try #require(try findings(name, statistics: statistics).first { $0.kind == kind }, "no \(kind)")
    }

    // MARK: Files that end too early

    struct Cut: Sendable, CustomTestStringConvertible {
        let file: String
        let length: Int
        let tensor: String
        let whole: Int
        let isExact: Bool
        var testDescription: String { "\(file) at \(length)" }

        static let all: [Cut] = {
            guard let json = try? JSONParser.parse(try Fixtures.bytes("findings/cuts.json")) else {
                return []
            }
            return (json["cuts"]?.array ?? []).map {
                Cut(
                    file: $0["file"]?.string ?? "", length: $0["length"]?.integer ?? 0,
                    tensor: $0["tensor"]?.string ?? "", whole: $0["whole"]?.integer ?? 0,
                    isExact: $0["exact"]?.bool ?? false)
            }
        }()
    }

    private static func truncation(_ file: String, _ bytes: [UInt8]) throws -> (CheckpointError, Finding) {
        let folder = try TemporaryFolder()
        let path = try folder.file(file, bytes)
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(path: path) }
        return (error, Finding.about(error))
    }

    @Test func cutsOfAllContainersAreThere() { #expect(Set(Cut.all.map(\.file)).count == 8) }

    @Test(arguments: Cut.all)
    func theFirstDamagedTensorIsNamed(_ cut: Cut) throws {
        let bytes = try Fixtures.bytes("findings/" + cut.file).prefix(cut.length)
        let (error, finding) = try Self.truncation(cut.file, Array(bytes))
        #expect(finding.kind == .truncated, "\(error)")
        #expect(finding.tensors == [cut.tensor], "\(error)")
        #expect(finding.missingBytes?.lowerBound == cut.length)
        let end = try #require(finding.missingBytes?.upperBound)
        #expect(cut.isExact ? end == cut.whole : end <= cut.whole && end > cut.length, "\(error)")
        #expect(error.description.contains("first damaged tensor is \(cut.tensor)"))
    }

    /// Every cut of every file is told as one, and no claim goes beyond the file as it was.
    @Test(arguments: Set(Cut.all.map(\.file)).sorted())
    func everyCutIsToldAsOne(_ file: String) throws {
        let bytes = try Fixtures.bytes("findings/" + file)
        for length in stride(from: file.hasSuffix(".h5") ? 2048 : 512, to: bytes.count, by: 61) {
            let error = #expect(throws: CheckpointError.self, "at \(length)") {
                try Checkpoint(bytes: ByteRegion(Array(bytes.prefix(length))), named: file)
            }
            let truncation = try #require(error?.truncation, "at \(length): \(error?.description ?? "")")
            #expect(truncation.foundByteCount == length)
            #expect(truncation.expectedByteCount <= bytes.count, "at \(length)")
        }
    }

    @Test func anSwtIsASafetensorsFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "m.swt"
        let source = try ModelFixture.named("plain")
        try convert(try Checkpoint(path: source.path), to: path, options: source.options)
        let bytes = try ByteRegion(try OpenFile(path: path)).array()
        let (_, finding) = try Self.truncation("cut.swt", Array(bytes.dropLast(100)))
        #expect(finding.missingBytes?.count == 100)
        #expect(finding.tensors == ["head.bias"] || finding.tensors == ["head.weight"])
    }

    /// A tar's storages have no names; how long the member should be stands in front of it.
    @Test func aCutTarIsMeasured() throws {
        let bytes = try Fixtures.bytes("torch/old_tar.pth.tar")
        // The last member of those with content begins behind its header of 512 bytes.
        let lengths = stride(from: 0, to: bytes.count, by: 512).filter { place in
            bytes[place..<place + 8].elementsEqual("storages".utf8)
        }
        let header = try #require(lengths.first)
        let (error, finding) = try Self.truncation("m.pth.tar", Array(bytes.prefix(header + 512 + 10)))
        #expect(finding.kind == .truncated && finding.tensors.isEmpty)
        #expect(error.description.contains("the cut lies in the member storages"))
    }

    @Test func aCutHeaderIsNamed() throws {
        let bytes = try Fixtures.bytes("findings/whole.safetensors").prefix(100)
        let (error, finding) = try Self.truncation("m.safetensors", Array(bytes))
        #expect(finding.kind == .truncated && finding.tensors.isEmpty)
        #expect(error.description.contains("the cut lies in the header"))
    }

    @Test func otherDamageIsNoTruncation() throws {
        for name in ["refused/missing_storage.pth", "refused/short_storage.pth", "refused/documents.zip.pth"]
        {
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: Fixtures.path(name)) }
            #expect(error?.truncation == nil, "\(name)")
        }
    }

    // MARK: Other things under a checkpoint's name

    @Test(arguments: [
        ("page.pth", Finding.Kind.htmlPage), ("page_with_mark.pth", .htmlPage),
        ("pointer.pth", .gitLFSPointer),
        ("text.pth", .unreadable), ("compressed.pth.gz", .unreadable),
    ])
    func whatIsNoCheckpointIsNamed(_ name: String, _ kind: Finding.Kind) throws {
        let path = Fixtures.path("refused/" + name)
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(path: path) }
        let finding = Finding.about(error)
        #expect(finding.kind == kind)
        #expect(!finding.advice.isEmpty)
        if kind == .gitLFSPointer { #expect(finding.message.contains("346284714 bytes")) }
        let json = Inspection.json(of: error, path: path)
        #expect(json.members?.map(\.key) == ["file", "error", "findings"])
        #expect(json["findings"]?.array?.first?["kind"] == .string(kind.rawValue))
    }

    // MARK: Names

    @Test(arguments: [
        ("findings/whole.safetensors", "m.pth", true), ("findings/whole.safetensors", "m.swt", true),
        ("findings/whole.safetensors", "m.PTH", true),
        ("findings/whole.safetensors", "m.SAFETENSORS", false), ("findings/whole.safetensors", "m", false),
        ("findings/whole.pth", "m.bin", false), ("findings/whole.pth", "m.pth.tar", false),
        ("findings/whole.pth", "m.safetensors", true), ("findings/whole_legacy.pth", "m.npz", true),
        ("findings/whole_new.h5", "m.weights.h5", false), ("findings/whole.npz", "m.npy", true),
    ])
    func theExtensionIsHeldAgainstTheBytes(_ source: String, _ name: String, _ isWrong: Bool) throws {
        let folder = try TemporaryFolder()
        let path = try folder.file(name, try Fixtures.bytes(source))
        let kinds = try inspect(try Checkpoint(path: path)).findings.map(\.kind)
        #expect(kinds.contains(.wrongExtension) == isWrong)
    }

    @Test func theDigestInTheNameIsHeldAgainstTheFile() throws {
        let folder = try TemporaryFolder()
        var options = InspectionOptions()
        options.computesDigests = true
        let bytes = try Fixtures.bytes("findings/whole.safetensors")
        let digest = try Digest.sha256(ByteRegion(bytes)).prefix(8)
        for (digits, isFound) in [("0badc0de", true), (String(digest), false)] {
            let path = try folder.file("m-\(digits).safetensors", bytes)
            let kinds = try inspect(try Checkpoint(path: path), options: options).findings.map(\.kind)
            #expect(kinds.contains(.digestMismatch) == isFound)
        }
    }

    // MARK: Structure

    @Test func tiedTensorsAreNamed() throws {
        let finding = try Self.finding(.duplicateStorage, "findings/tied.pth")
        #expect(finding.tensors == ["head.weight"])
        #expect(finding.message == "embedding.weight and head.weight are one storage under two names")
    }

    /// AdamW keeps two numbers for each parameter.
    @Test func anOptimizersStateIsWeighed() throws {
        let finding = try Self.finding(.optimizerState, "findings/optimizer.pth")
        #expect(finding.message.hasPrefix("an optimizer's state makes the file 3.0 times larger"))
    }

    /// Less than half of the weights' size is nothing to say.
    @Test(arguments: [(3, false), (4, true)])
    func aSmallStateIsPassedOver(count: Int, isTold: Bool) throws {
        let folder = try TemporaryFolder()
        let tensors = try [("model.weight", 8), ("optimizer.state.0.exp_avg", count)].map { name, count in
            (name: name, tensor: FloatTensor(zeros: try Shape([count])))
        }
        try save(tensors, to: folder.path + "m.npz")
        let findings = try inspect(try Checkpoint(path: folder.path + "m.npz")).findings
        #expect(findings.contains { $0.kind == .optimizerState } == isTold)
    }

    @Test func aPlainModelHasNoFindings() throws {
        for name in ["models/plain.pth", "models/prelogits_in21k.pth", "models/half_f16.pth"] {
            #expect(try Self.findings(name, statistics: true).isEmpty)
            #expect(try Self.findings(name).isEmpty)
        }
    }

    // MARK: Values

    @Test(arguments: ["findings/zero_head.safetensors", "findings/zero_head.pth"])
    func aHeadOfZerosIsNamed(_ name: String) throws {
        var options = InspectionOptions()
        options.model.heads = 2
        let checkpoint = try Checkpoint(path: Fixtures.path(name))
        let sampled = try inspect(checkpoint, options: options).findings
        #expect(sampled.map(\.kind) == [.zeroHead])
        options.computesStatistics = true
        let whole = try inspect(checkpoint, options: options).findings
        #expect(whole.map(\.kind) == [.zeroHead, .constant])
        #expect(whole.map(\.tensors) == [["head.weight"], ["head.bias"]])
    }

    @Test func valuesAreLookedAtWhereTheyAreRead() throws {
        let name = "findings/values.safetensors"
        #expect(try Self.findings(name).isEmpty)
        let notNumbers = try Self.finding(.notANumber, name, statistics: true)
        #expect(notNumbers.tensors == ["not_a_number"])
        #expect(notNumbers.message == "2 of the 4 elements of not_a_number are no numbers (NaN)")
        let infinite = try Self.finding(.infinity, name, statistics: true)
        #expect(infinite.tensors == ["infinite"])
        #expect(infinite.message == "2 of the 5 elements of infinite are infinite")
        let constant = try Self.finding(.constant, name, statistics: true)
        #expect(constant.tensors == ["constant"])
        #expect(constant.message == "every element of constant is 0.25")
        let near = try Self.finding(.nearOverflow, name, statistics: true)
        #expect(near.tensors == ["half_near"])
        #expect(near.message.contains("up to 60000.0"))
    }

    /// One doubling from infinity: 0x77FF is 32752 in F16, 0xF7FF its negative, 0x77FE the number before.
    @Test(arguments: [(0x77FF, true), (0xF7FF, true), (0x77FE, false)])
    func nearOverflowBeginsAtHalfOfAll(bits: Int, isNear: Bool) throws {
        let folder = try TemporaryFolder()
        let header = "{\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}"
        let values = [UInt8(bits & 0xFF), UInt8(bits >> 8), 0, 0]
        let bytes = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + values
        var options = InspectionOptions()
        options.computesStatistics = true
        let path = try folder.file("m.safetensors", bytes)
        let findings = try inspect(try Checkpoint(path: path), options: options).findings
        #expect(findings.contains { $0.kind == .nearOverflow } == isNear)
    }

    // MARK: Renderings

    @Test func theJSONHasItsShape() throws {
        let several = Finding(.constant, "m", advice: "a", tensors: ["x", "y"]).json
        #expect(several.members?.map(\.key) == ["kind", "message", "advice", "tensor", "tensors"])
        #expect(several["tensor"] == .string("x"))
        let cut = Finding(.truncated, "m", advice: "a", tensors: ["x"], missingBytes: 3..<10).json
        #expect(cut.members?.map(\.key) == ["kind", "message", "advice", "tensor", "missingBytes"])
        #expect(cut["missingBytes"]?["count"] == .integer(7))
        let inspection = try inspect(try Checkpoint(path: Fixtures.path("findings/tied.pth")))
        #expect(inspection.json["findings"]?.array?.first?["kind"] == .string("duplicate-storage"))
    }
}
