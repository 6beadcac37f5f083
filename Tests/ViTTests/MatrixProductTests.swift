import TensorCore
import Testing

@testable import Layers

/// Everything that chooses the provider or the number of threads, or that compares bits: one at a time.
@Suite(.serialized) struct ComputationTests {}

extension ComputationTests {
    /// What products can be computed with here; ``aLibraryWasFound()`` says why the library is missing.
    static let providers: [MatrixProduct.Provider] =
        MatrixProduct.hasLibrary ? [.automatic, .portable] : [.portable]

    static func with<Result>(_ provider: MatrixProduct.Provider, _ body: () throws -> Result) rethrows
        -> Result
    {
        let before = MatrixProduct.provider
        MatrixProduct.provider = provider
        defer { MatrixProduct.provider = before }
        return try body()
    }

    @Test(
        .enabled(
            if: MatrixProduct.hasLibrary,
            "no matrix library here, tests run with the portable kernel alone"))
    func aLibraryWasFound() {
        #expect(MatrixProduct.remark == nil)
        Self.with(.automatic) { #expect(!MatrixProduct.providerDescription.hasPrefix("portable kernel")) }
    }

    @Test(arguments: providers)
    func linearMapsAgreeWithTorch(_ provider: MatrixProduct.Provider) throws {
        let fixture = try KernelFixture("linear")
        try Self.with(provider) {
            for name in fixture.cases {
                let linear = Linear(
                    weight: try Parameter(view(try fixture.floats("\(name).weight"))),
                    bias: try Parameter(view(try fixture.floats("\(name).bias"))))
                let expected = try fixture.floats("\(name).y")
                var x = try fixture.floats("\(name).x")
                var y = FloatTensor(zeros: expected.shape)
                let (inputs, outputs) = (x.shape[1], y.shape[1])
                withMatrices(&x.values, columns: inputs, &y.values, columns: outputs) { linear($0, into: $1) }
                #expect(largestError(y.values, expected.values) < 1e-6, "\(name)")
            }
        }
    }

    @Test(arguments: providers)
    func attentionAgreesWithTorch(_ provider: MatrixProduct.Provider) throws {
        let fixture = try KernelFixture("attention")
        try Self.with(provider) {
            for name in fixture.cases where !fixture.has("\(name).mask") {
                var q = joinedHeads(try fixture.floats("\(name).q"))
                var k = joinedHeads(try fixture.floats("\(name).k"))
                var v = joinedHeads(try fixture.floats("\(name).v"))
                let out = try fixture.floats("\(name).out")
                let (batch, heads, rows, length) = (out.shape[0], out.shape[1], out.shape[2], out.shape[3])
                let tokens = k.count / (batch * heads * length)
                var found = [Float](repeating: 0, count: q.count)
                var scratch = [Float](repeating: 0, count: 4 * tokens)
                withMatrices(&q, columns: heads * length, &k, columns: heads * length) { q, k in
                    withMatrices(&v, columns: heads * length, &found, columns: heads * length) { v, found in
                        withMatrix(&scratch, columns: tokens) { scratch in
                            // One thread's worth of scratch: four query rows at a time.
                            let threads = Parallel.threadCount
                            Parallel.threadCount = 1
                            defer { Parallel.threadCount = threads }
                            let scale = 1 / Float(length).squareRoot()
                            ScaledDotProduct(heads: heads, scale: scale).attend(
                                q, k, v, batch: batch, into: found, scratch: [scratch.rows(0..<min(4, rows))],
                                keeping: nil)
                        }
                    }
                }
                #expect(largestError(found, joinedHeads(out)) < 1e-6, "\(name)")
            }
        }
    }

    /// The worked example: x, W_K, W_Q, W_V right-multiplied, no scaling.
    @Test(arguments: providers)
    func workedSelfAttentionExample(_ provider: MatrixProduct.Provider) {
        var x: [Float] = [1, 0, 1, 0, 0, 2, 0, 2, 1, 1, 1, 1]
        var keyWeight: [Float] = [0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 0]
        var queryWeight: [Float] = [1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1]
        var valueWeight: [Float] = [0, 2, 0, 0, 3, 0, 1, 0, 3, 1, 1, 0]
        Self.with(provider) {
            func product(_ weight: inout [Float]) -> [Float] {
                var result = [Float](repeating: .nan, count: 9)
                withMatrices(&x, columns: 4, &weight, columns: 3) { x, weight in
                    withMatrix(&result, columns: 3) {
                        MatrixProduct.multiply(x, weight, transposingRight: false, into: $0)
                    }
                }
                return result
            }
            var (keys, queries, values) = (product(&keyWeight), product(&queryWeight), product(&valueWeight))
            #expect(keys == [0, 1, 1, 4, 4, 0, 2, 3, 1])
            #expect(queries == [1, 0, 2, 2, 2, 2, 2, 1, 3])
            #expect(values == [1, 2, 3, 2, 8, 0, 2, 6, 3])

            var (scores, weights, output) = (
                [Float](repeating: 0, count: 9), [Float](), [Float](repeating: 0, count: 9)
            )
            weights = scores
            withMatrices(&queries, columns: 3, &keys, columns: 3) { queries, keys in
                withMatrices(&scores, columns: 3, &weights, columns: 3) { scores, weights in
                    MatrixProduct.multiply(queries, keys, transposingRight: true, into: scores)
                    #expect(
                        Array(UnsafeBufferPointer(start: scores.start, count: 9)) == [
                            2, 4, 4, 4, 16, 12, 4, 12, 10,
                        ])
                    withMatrices(&values, columns: 3, &output, columns: 3) { values, output in
                        let threads = Parallel.threadCount
                        Parallel.threadCount = 1
                        defer { Parallel.threadCount = threads }
                        ScaledDotProduct(heads: 1, scale: 1).attend(
                            queries, keys, values, batch: 1, into: output, scratch: [scores], keeping: weights
                        )
                    }
                }
            }
            let expectedWeights: [Float] = [
                6.3379e-02, 4.6831e-01, 4.6831e-01, 6.0337e-06, 9.8201e-01, 1.7986e-02, 2.9539e-04,
                8.8054e-01,
                1.1917e-01,
            ]
            for (found, expected) in zip(weights, expectedWeights) {
                #expect(abs(found - expected) <= 5e-5 * expected)
            }
            let expected: [Float] = [
                1.93662, 6.68311, 1.59507, 1.99999, 7.96399, 0.05398, 1.99970, 7.75989, 0.35839,
            ]
            for (found, expected) in zip(output, expected) { #expect(abs(found - expected) <= 1e-5) }
        }
    }

    @Test func portableKernelAgreesWithDoublePrecision() {
        var source = RandomSource(seed: 7)
        for (rows, columns, inner) in [
            (1, 1, 1), (5, 33, 7), (4, 32, 256), (9, 65, 300), (3, 31, 513), (70, 5, 2),
        ] {
            var a = (0..<rows * inner).map { _ in Float(source.uniform() - 0.5) }
            let b = (0..<inner * columns).map { _ in Float(source.uniform() - 0.5) }
            let transposed = (0..<columns).flatMap { column in (0..<inner).map { b[$0 * columns + column] } }
            let expected = (0..<rows * columns).map { index in
                Float(
                    (0..<inner).reduce(0.0) { sum, k in
                        sum + Double(a[index / columns * inner + k])
                            * Double(b[k * columns + index % columns])
                    })
            }
            for isTransposed in [false, true] {
                var right = isTransposed ? transposed : b
                var result = [Float](repeating: .nan, count: rows * columns)
                Self.with(.portable) {
                    withMatrices(&a, columns: inner, &right, columns: isTransposed ? inner : columns) {
                        a, right in
                        withMatrix(&result, columns: columns) {
                            MatrixProduct.multiply(a, right, transposingRight: isTransposed, into: $0)
                        }
                    }
                }
                #expect(largestError(result, expected) < 2e-6)
            }
        }
    }

    @Test func portableKernelHasAName() {
        Self.with(.portable) { #expect(MatrixProduct.providerDescription.hasPrefix("portable kernel")) }
    }

    @Test(arguments: [(1, 1), (197, 768), (1576, 3072), (801, 21843), (3, 385), (0, 5)])
    func tilesCoverEachElementOnce(_ rows: Int, _ columns: Int) {
        let tiles = MatrixProduct.tiles(rows: rows, columns: columns)
        #expect(tiles.reduce(0) { $0 + $1.rows.count * $1.columns.count } == rows * columns)
        for (index, tile) in tiles.enumerated() {
            for other in tiles[..<index] {
                #expect(!tile.rows.overlaps(other.rows) || !tile.columns.overlaps(other.columns))
            }
        }
    }
}

/// A tensor's own values as a view.
func view(_ tensor: FloatTensor) throws -> TensorView {
    let bytes = tensor.values.withUnsafeBytes { HeapBytes($0) }
    return try TensorView(
        storage: .bytes(ByteRegion(bytes, count: 4 * tensor.values.count), .little), dtype: .f32,
        shape: tensor.shape)
}

/// `[B, H, N, d]` → B · N rows of H · d.
private func joinedHeads(_ tensor: FloatTensor) -> [Float] {
    let (batch, heads, rows, length) = (tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3])
    var result: [Float] = []
    for image in 0..<batch {
        for row in 0..<rows {
            for head in 0..<heads {
                let start = ((image * heads + head) * rows + row) * length
                result += tensor.values[start..<start + length]
            }
        }
    }
    return result
}
