import TensorCore
import Testing

@testable import WeightMapping

/// Against pairs that timm's `resample_abs_pos_embed` wrote.
struct PositionResamplingTests {
    @Test(arguments: 0..<12)
    func equalToTimm(number: Int) throws {
        let fixture = try Samples.fixture("models/resample/bicubic_antialias.safetensors")
        let text = try #require(fixture.metadata?["cases"]?.string)
        let entry = try #require(try JSONParser.parse(Array(text.utf8)).array?[number])
        func grid(_ key: String) throws -> PatchGrid {
            let sizes = try #require(entry[key]?.array).compactMap(\.integer)
            return PatchGrid(height: sizes[0], width: sizes[1])
        }
        let input = try #require(fixture.tensors["case.\(number).input"])
        let output = try #require(fixture.tensors["case.\(number).output"])
        let resized = try PositionResampling.resize(input, from: grid("oldSize"), to: grid("newSize"))
        #expect(resized.shape == output.shape)
        #expect(resized.dtype == .f32)
        let errors = zip(try resized.floats(), try output.floats()).map { abs($0 - $1) }
        #expect(errors.max() ?? 1 <= 1e-5)
        let prefix = try #require(entry["prefixTokens"]?.integer) * input.shape[2]
        #expect(try resized.floats().prefix(prefix) == input.floats().prefix(prefix))
    }

    @Test(arguments: [(DType.f16, DType.f16), (.bf16, .bf16), (.f64, .f64), (.f8e5m2, .f32)])
    func theTypeIsKeptWhereItCanBe(dtype: DType, result: DType) throws {
        let positions = try Samples.zeros([1, 5, 3], dtype)
        let resized = try PositionResampling.resize(
            positions, from: PatchGrid(height: 2, width: 2), to: PatchGrid(height: 3, width: 1))
        #expect(resized.dtype == result)
        #expect(try resized.floats() == [Float](repeating: 0, count: 12))
    }

    /// A constant stays constant: the weights of each window sum to one.
    @Test func constantsStay() throws {
        let positions = try Samples.tensor([1, 49, 2], [Float](repeating: 2.5, count: 98))
        let resized = try PositionResampling.resize(
            positions, from: PatchGrid(height: 7, width: 7), to: PatchGrid(height: 3, width: 16))
        #expect(try resized.floats().allSatisfy { abs($0 - 2.5) < 1e-6 })
    }

    @Test(arguments: [[5, 3], [2, 5, 3], [1, 3, 3]])
    func otherShapesAreRefused(shape: [Int]) throws {
        let positions = try Samples.zeros(shape)
        #expect(throws: TensorError.self) {
            try PositionResampling.resize(
                positions, from: PatchGrid(height: 2, width: 2), to: PatchGrid(height: 3, width: 3))
        }
    }
}
