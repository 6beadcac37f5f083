import TensorCore
import Testing

@testable import Parity

struct ReferenceBundleTests {
    private func bundle(_ input: [Int], logits: [Int] = [2, 4], channels: Int = 3) throws -> ReferenceBundle {
        func counting(_ dimensions: [Int]) throws -> TensorView {
            let count = try Shape(dimensions).elementCount
            return try Logits.view(dimensions, (0..<count).map { Float($0) })
        }
        return try ReferenceBundle(
            [("input", counting(input)), ("logits", counting(logits))], channels: channels)
    }

    @Test func channelsFirstStays() throws {
        let bundle = try bundle([2, 3, 2, 4])
        #expect(bundle.input.shape.dimensions == [2, 3, 2, 4])
        #expect(!bundle.wasChannelsLast)
        #expect(bundle.input.values == (0..<48).map { Float($0) })
    }

    /// numpy: np.arange(12).reshape(1, 2, 2, 3).transpose(0, 3, 1, 2).
    @Test func channelsLastIsTurned() throws {
        let bundle = try bundle([1, 2, 2, 3], logits: [1, 4])
        #expect(bundle.wasChannelsLast)
        #expect(bundle.input.shape.dimensions == [1, 3, 2, 2])
        #expect(bundle.input.values == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
    }

    @Test func whereBothFitChannelsComeFirst() throws {
        #expect(try !bundle([2, 3, 5, 3]).wasChannelsLast)
        #expect(try bundle([2, 1, 4, 4], channels: 1).input.shape.dimensions == [2, 1, 4, 4])
        #expect(try bundle([2, 4, 4, 1], channels: 1).input.shape.dimensions == [2, 1, 4, 4])
    }

    @Test(arguments: [([3, 4, 4], [1, 5]), ([4, 4, 3], [5]), ([1, 3, 4, 4], [5])])
    func oneImageNeedsNoBatchAxis(input: [Int], logits: [Int]) throws {
        let bundle = try bundle(input, logits: logits)
        #expect(bundle.input.shape.dimensions == [1, 3, 4, 4])
        #expect(bundle.logits.shape.dimensions == [1, 5])
    }

    @Test(arguments: [
        ([2, 4, 4, 4], [2, 5]), ([2, 3], [2, 5]), ([0, 3, 4, 4], [0, 5]), ([2, 3, 4, 4], [5]),
        ([2, 3, 4, 4], [3, 5]), ([2, 3, 4, 4], [2, 0]), ([2, 3, 4, 4], [2, 5, 1]),
    ])
    func otherShapesAreRefused(input: [Int], logits: [Int]) {
        #expect(throws: ParityError.self) { try bundle(input, logits: logits) }
    }

    @Test func whatIsMissingIsNamed() throws {
        let logits = (name: "logits", view: try Logits.view([1, 2], [1, 2]))
        let error = #expect(throws: ParityError.self) { try ReferenceBundle([logits]) }
        #expect(error == .missing("input", expected: ["input", "logits"], found: ["logits"]))
        #expect(
            error?.description == "the reference has no 'input': expected 'input' and 'logits', found logits")
        let input = (name: "input", view: try Logits.view([1, 3, 1, 1], [1, 2, 3]))
        #expect(throws: ParityError.missing("logits", expected: ["input", "logits"], found: ["input"])) {
            try ReferenceBundle([input])
        }
        let output = (name: "output", view: logits.view)
        #expect(try ReferenceBundle([input, output]).logits.values == [1, 2])
    }

    @Test func complexNumbersAreRefused() throws {
        let complex = try TensorView(
            storage: .bytes(ByteRegion([UInt8](repeating: 0, count: 24)), .little), dtype: .c64,
            shape: Shape([1, 3, 1, 1]))
        let logits = try Logits.view([1, 2], [1, 2])
        #expect(throws: ParityError.type("input", found: .c64)) {
            try ReferenceBundle([("input", complex), ("logits", logits)])
        }
    }

    @Test func everythingElseIsAnActivationInOrder() throws {
        let view = try Logits.view([1], [1])
        let bundle = try Logits.reference([1, 2], [("norm", view), ("blocks.0", view)])
        #expect(bundle.activations.map(\.name) == ["norm", "blocks.0"])
    }

    @Test func theImageSizeIsChecked() throws {
        let bundle = try bundle([2, 3, 4, 6])
        try bundle.require(imageHeight: 4, imageWidth: 6)
        let error = #expect(throws: ParityError.self) { try bundle.require(imageHeight: 6, imageWidth: 4) }
        #expect(error?.description == "the reference's images are 4×6, the model takes 6×4")
    }
}
