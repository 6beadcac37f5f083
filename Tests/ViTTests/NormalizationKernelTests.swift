import TensorCore
import Testing

@testable import Layers

@Suite struct NormalizationKernelTests {
    @Test func softmaxAgreesWithTorch() throws {
        let fixture = try KernelFixture("softmax")
        for name in fixture.cases {
            let x = try fixture.floats("\(name).x")
            var values = x.values
            withMatrix(&values, columns: x.shape[1]) { Kernels.softmax($0, scale: 1) }
            for (found, expected) in zip(values, try fixture.doubles("\(name).y.f64")) {
                #expect(abs(Double(found) - expected) <= 1e-6 * max(expected, 1e-3), "\(name)")
            }
        }
    }

    @Test func softmaxScalesThenMasks() {
        var scores: [Float] = [2, 4, 6, 8, 2, 4, 6, 8]
        var mask: [Float] = [0, 0, 0, -.infinity, -.infinity, 1, 0, 0]
        withMatrices(&scores, columns: 4, &mask, columns: 4) { Kernels.softmax($0, scale: 0.5, mask: $1) }
        // torch.softmax(0.5 * scores + mask, dim=-1)
        let expected: [Float] = [
            0.09003057, 0.24472848, 0.66524094, 0, 0, 0.21194156, 0.21194156, 0.57611688,
        ]
        #expect(largestError(scores, expected) < 1e-6)
    }

    @Test(arguments: ["1e-6", "1e-5", "1e-12"])
    func layerNormAgreesWithTorch(_ epsilon: String) throws {
        let fixture = try KernelFixture("layer_norm")
        for name in fixture.cases {
            let x = try fixture.floats("\(name).x")
            let (weight, bias) = (
                try fixture.floats("\(name).weight").values, try fixture.floats("\(name).bias").values
            )
            let reference = try fixture.floats("\(name).\(epsilon)").values
            let expected = try fixture.doubles("\(name).\(epsilon).f64").map { Float($0) }
            var (values, result) = (x.values, x.values)
            withMatrices(&values, columns: x.shape[1], &result, columns: x.shape[1]) { x, target in
                Kernels.layerNorm(x, weight: weight, bias: bias, epsilon: Float(epsilon) ?? 0, into: target)
            }
            // torch itself is off where a large mean leaves few digits.
            let allowed = max(1e-6, 4 * largestError(reference, expected))
            #expect(largestError(result, expected) <= allowed, "\(name)")

            withMatrix(&values, columns: x.shape[1]) { x in
                Kernels.layerNorm(x, weight: weight, bias: bias, epsilon: Float(epsilon) ?? 0, into: x)
            }
            #expect(values == result, "in place: \(name)")
        }
    }

    @Test func residualRoundsLikeItsSteps() {
        let (bias, gamma): ([Float], [Float]) = ([0.1, -0.7, 3.3], [0.3, 1.7, -0.9])
        var sums: [Float] = [1, 2, 3, 4, 5, 6]
        var branch: [Float] = [0.15, -1.2, 7.7, 2.25, 0.01, -3]
        var (steps, stepSums) = (branch, sums)
        withMatrices(&branch, columns: 3, &sums, columns: 3) {
            Kernels.add($0, bias: bias, gamma: gamma, to: $1)
        }
        withMatrices(&steps, columns: 3, &stepSums, columns: 3) { steps, sums in
            Kernels.activate(steps, bias: bias, .identity)
            Kernels.scaleColumns(steps, by: gamma)
            Kernels.add(steps, to: sums)
        }
        #expect(sums == stepSums)
        #expect(largestError(sums, [1.075, -1.23, -6.9, 4.705, 3.827, 5.73]) < 1e-6)
    }

    @Test func meanOfRowsIsTheMeanOfRows() {
        var values: [Float] = [1, 2, 3, 4, 5, 9]
        var mean: [Float] = [0, 0]
        withMatrix(&values, columns: 2) { Kernels.meanOfRows($0, into: &mean) }
        #expect(mean == [3, 5])
    }
}
