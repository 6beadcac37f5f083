import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// What is said to look wrong where no usual cause explains a difference.
@Suite struct SuspicionTests {
    typealias Named = (name: String, tensor: FloatTensor)

    /// Something that is wrong with a reference, and what is said of it.
    struct Flaw: Sendable, CustomTestStringConvertible {
        let message: String
        let tensor: String
        let change: @Sendable (inout [Float]) -> Void
        var testDescription: String { message }

        static let all = [
            Flaw(message: "2 of the input's pixels are no finite numbers", tensor: "input") {
                ($0[0], $0[7]) = (.nan, -.infinity)
            },
            Flaw(message: "all of the input's pixels are 0.5", tensor: "input") { values in
                for place in values.indices { values[place] = 0.5 }
            },
            Flaw(message: "the input's pixels have mean ", tensor: "input") { values in
                for place in values.indices { values[place] = values[place] * 0.01 }
            },
            Flaw(message: "1 of the reference's logits are no finite numbers", tensor: "logits") {
                $0[3] = .infinity
            },
            Flaw(message: "all of the reference's logits are 2.0", tensor: "logits") { values in
                for place in values.indices { values[place] = 2 }
            },
            Flaw(message: "the logits have deviation ", tensor: "logits") { values in
                for place in values.indices { values[place] = 1.5 * values[place] + 40 }
            },
        ]
    }

    private static func suspicions(
        _ prepared: PreparedModel, _ tensors: [Named]
    ) throws -> [String] {
        let folder = try TemporaryFolder()
        let path = folder.path + "reference.npz"
        try save(tensors, to: path)
        let verification = try verify(prepared, reference: path)
        let diagnosis = try diagnose(prepared, reference: path, verification: verification)
        #expect(diagnosis.findings.isEmpty && !diagnosis.isComplete, "\(diagnosis)")
        return diagnosis.suspicions
    }

    /// A reference with its classes in reverse order, which nothing explains.
    private static func reference() throws -> (model: PreparedModel, tensors: [Named]) {
        let fixture = try #require(DiagnosisTests.Case.all.first { $0.name == "as_given" })
        let file = try Checkpoint(path: Fixtures.path(fixture.reference))
        let tensors = try ["input", "logits"].map { name in
            (name: name, tensor: try FloatTensor(try #require(file.tensor(name))))
        }
        let logits = tensors[1].tensor
        let classes = logits.shape[1]
        let reversed = stride(from: 0, to: logits.values.count, by: classes).flatMap {
            logits.values[$0..<$0 + classes].reversed()
        }
        let changed = try FloatTensor(shape: logits.shape, values: Array(reversed))
        return (try fixture.prepared(), [tensors[0], ("logits", changed)])
    }

    @Test(arguments: Flaw.all)
    func whatIsWrongWithAReferenceIsSaid(_ flaw: Flaw) throws {
        var (model, tensors) = try Self.reference()
        let before = try Self.suspicions(model, tensors)
        #expect(!before.contains { $0.hasPrefix(flaw.message) }, "\(before)")
        let place = try #require(tensors.firstIndex { $0.name == flaw.tensor })
        flaw.change(&tensors[place].tensor.values)
        let suspicions = try Self.suspicions(model, tensors)
        #expect(suspicions.contains { $0.hasPrefix(flaw.message) }, "\(suspicions)")
    }

    @Test func whatIsWrongWithParametersIsSaid() throws {
        var options = ModelOptions()
        options.heads = 2
        let path = Fixtures.path("findings/zero_head.safetensors")
        let model = try PreparedModel(try Checkpoint(path: path), options: options)
        let size = try model.configuration.imageSize
        let pixels = (0..<3 * size.height * size.width).map { Float($0 % 7) / 3 - 1 }
        let tensors: [Named] = [
            ("input", try FloatTensor(shape: Shape([1, 3, size.height, size.width]), values: pixels)),
            ("logits", try FloatTensor(shape: Shape([1, 4]), values: [3, -1, 7, 2])),
        ]
        #expect(try Self.suspicions(model, tensors).contains("the head's weight is all zeros"))

        let folder = try TemporaryFolder()
        var parameters = try model.checkpoint.tensors.map {
            (name: $0.name, tensor: try FloatTensor($0.view))
        }
        let bias = try #require(parameters.firstIndex { $0.name == "norm.bias" })
        parameters[bias].tensor.values[2] = .nan
        try save(parameters, to: folder.path + "m.npz")
        let broken = try PreparedModel(try Checkpoint(path: folder.path + "m.npz"), options: options)
        let suspicions = try Self.suspicions(broken, tensors)
        #expect(suspicions.contains("norm.bias holds 1 elements that are no finite numbers"), "\(suspicions)")
    }
}
