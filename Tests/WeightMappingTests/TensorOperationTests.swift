import TensorCore
import Testing

@testable import WeightMapping

struct AxisPatternTests {
    @Test(arguments: [
        ("D (C P P) -> D C P P", [768, 768], ["C": 3], [768, 3, 16, 16]),
        ("D (C P P) -> D C P P", [8, 49], ["C": 1], [8, 1, 7, 7]),
        ("D H d -> D (H d)", [24, 3, 8], ["H": 3], [24, 24]),
        ("H d -> (H d)", [3, 8], ["d": 8], [24]),
        ("D (H d) -> D H d", [24, 24], ["H": 3], [24, 3, 8]),
        ("N D -> 1 N D", [17, 8], [:], [1, 17, 8]),
        ("1 1 D -> D", [1, 1, 8], [:], [8]),
    ])
    func shapes(text: String, from: [Int], lengths: [String: Int], to: [Int]) throws {
        let pattern = try AxisPattern(parsing: text)
        let shape = try pattern.shape(from: Shape(from), lengths: lengths)
        #expect(shape.dimensions == to)
        #expect(try pattern.inverse.shape(from: shape, lengths: lengths).dimensions == from)
        #expect(pattern.inverse.inverse == pattern)
    }

    @Test(arguments: [
        ("D (C P P) -> D C P P", [768, 767], ["C": 3]), ("D (C P P) -> D C P P", [768, 6], ["C": 3]),
        ("D (C P P) -> D C P P", [768], ["C": 3]), ("N D -> 1 N D", [1, 17, 8], [:]),
        ("D (H d) -> D H d", [24, 24], [:]), ("D D -> (D D)", [24, 23], [:]),
    ])
    func shapesThatDoNotFit(text: String, from: [Int], lengths: [String: Int]) throws {
        let pattern = try AxisPattern(parsing: text)
        #expect(throws: TensorError.self) { try pattern.shape(from: Shape(from), lengths: lengths) }
    }

    @Test(arguments: ["a b", "a b -> b a", "(a b -> a b", "a) -> a", "a -> b", "0 a -> a", "((a)) -> a"])
    func malformedPatternsAreRefused(text: String) {
        #expect(throws: MappingError.self) { try AxisPattern(parsing: text) }
    }
}

struct TensorOperationTests {
    /// Each case: a row of steps, the shapes it starts from, and the words it leaves in the provenance.
    @Test(
        arguments: [
            ([TensorOperation.transpose([1, 0])], [[4, 6]], ["transpose(1, 0)"]),
            ([.transpose([3, 2, 0, 1])], [[2, 3, 4, 5]], ["transpose(3, 2, 0, 1)"]),
            ([.concatenate(axis: 0, parts: 3)], [[2, 5], [2, 5], [2, 5]], ["concatenate(axis 0)"]),
            ([.concatenate(axis: 1, ratios: [2, 1])], [[2, 6], [2, 3]], ["concatenate(axis 1)"]),
            ([.split(axis: 0, ratios: [2, 1])], [[6, 2]], ["split(axis 0)"]),
            ([.select(axis: 0)], [[4, 2, 3]], ["select(axis 0)"]),
            ([.stack(axis: 1)], [[2, 3], [2, 3]], ["stack(axis 1)"]),
            (
                [.insertZeros(at: 1), .concatenate(axis: 0, parts: 3)], [[4], [4]],
                ["zeros at place 1", "concatenate(axis 0)"]
            ),
            (
                [.reshape("D H d -> D (H d)"), .transpose([1, 0]), .concatenate(axis: 0, parts: 3)],
                [[6, 2, 3], [6, 2, 3], [6, 2, 3]],
                ["reshape([6, 6])", "transpose(1, 0)", "concatenate(axis 0)"]
            ),
        ] as [([TensorOperation], [[Int]], [String])])
    func theInverseGivesTheSameBack(operations: [TensorOperation], shapes: [[Int]], words: [String]) throws {
        let sources = try shapes.enumerated().map { try Samples.counting($1, from: $0 * 100 + 1) }
        var tensors = sources
        var said: [String] = []
        for operation in operations {
            let outcome = try operation.apply(to: tensors, lengths: ["H": 2])
            tensors = outcome.tensors
            if let words = outcome.description { said.append(words) }
        }
        #expect(said == words)
        for operation in operations.reversed() {
            tensors = try operation.inverse.apply(to: tensors, lengths: ["H": 2]).tensors
        }
        #expect(tensors.map(\.shape.dimensions) == shapes)
        #expect(try tensors.map { try $0.floats() } == sources.map { try $0.floats() })
    }

    /// numpy: np.arange(6).reshape(2, 3).T.reshape(-1).
    @Test func transposing() throws {
        let view = try TensorOperation.transpose([1, 0]).apply(to: [Samples.counting([2, 3])], lengths: [:])
            .tensors[0]
        #expect(try view.floats() == [0, 3, 1, 4, 2, 5])
    }

    @Test func zerosStandBetweenQueryAndValue() throws {
        let parts = [try Samples.tensor([2], [1, 2]), try Samples.tensor([2], [3, 4])]
        let rule = MappingRule(
            ["q", "v"], to: ["qkv"], [.insertZeros(at: 1), .concatenate(axis: 0, parts: 3)])
        let made = try rule.apply(to: parts, indices: [:]).tensors
        #expect(made.map(\.name) == ["qkv"])
        #expect(try made[0].view.floats() == [1, 2, 0, 0, 3, 4])
        let back = try rule.revert([made[0].view], indices: [:])
        #expect(back.map(\.name) == ["q", "v"])
        #expect(try back.map { try $0.view.floats() } == [[1, 2], [3, 4]])
    }

    @Test func valuesThatHaveNoPlaceAreNotDropped() throws {
        let rule = MappingRule(
            ["q", "v"], to: ["qkv"], [.insertZeros(at: 1), .concatenate(axis: 0, parts: 3)])
        let fused = try Samples.tensor([6], [1, 2, 0, 5, 3, 4])
        #expect(throws: TensorError.self) { try rule.revert([fused], indices: [:]) }
    }

    @Test func aDepthAxisBecomesBlocks() throws {
        let rule = MappingRule("encoderblock/scale", to: "blocks.{i}.norm1.weight", .select(axis: 0))
        let made = try rule.apply(to: [Samples.counting([3, 2])], indices: [:]).tensors
        #expect(
            made.map(\.name) == ["blocks.0.norm1.weight", "blocks.1.norm1.weight", "blocks.2.norm1.weight"])
        #expect(try made[2].view.floats() == [4, 5])
        let back = try rule.revert(made.map(\.view), indices: [:])
        #expect(back.map(\.name) == ["encoderblock/scale"])
        #expect(try back[0].view.floats() == [0, 1, 2, 3, 4, 5])
    }

    @Test(
        arguments: [
            (TensorOperation.concatenate(axis: 0, parts: 3), [[2], [2]]),
            (.concatenate(axis: 0, parts: 2), [[2], [3]]),
            (.concatenate(axis: 1, parts: 2), [[2], [2]]), (.split(axis: 0, ratios: [1, 2]), [[4]]),
            (.split(axis: 2, ratios: [1]), [[4]]), (.select(axis: 1), [[4]]), (.select(axis: 0), [[4], [4]]),
            (.transpose([0, 0]), [[4, 4]]), (.stack(axis: 2), [[4]]), (.insertZeros(at: 3), [[4]]),
            (.removeZeros(at: 1), [[4]]),
        ] as [(TensorOperation, [[Int]])])
    func impossibleStepsThrow(operation: TensorOperation, shapes: [[Int]]) throws {
        let tensors = try shapes.map { try Samples.counting($0) }
        #expect(throws: TensorError.self) { try operation.apply(to: tensors, lengths: [:]) }
    }
}
