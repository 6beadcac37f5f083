import TensorCore
import Testing

@testable import Layers

@Suite struct ActivationKernelTests {
    /// torch's name of each activation, and the error allowed in units of the float next to the expected value.
    static let named: [(Kernels.Activation, name: String, ulps: Double)] = [
        // Φ is accurate over its whole range, the tail included; the others scale an argument that was rounded.
        (.geluErf, "gelu", 8), (.geluTanh, "gelu_tanh", 200), (.geluQuick, "quick_gelu", 100),
        (.silu, "silu", 8),
        (.tanh, "tanh", 4),
    ]

    @Test(arguments: named)
    func agreesWithTorchInDoublePrecision(_ activation: Kernels.Activation, _ name: String, _ ulps: Double)
        throws
    {
        let fixture = try KernelFixture("activations")
        var values = try fixture.floats("x").values
        let inputs = values
        withMatrix(&values, columns: values.count) { Kernels.activate($0, activation) }
        for (index, expected) in try fixture.doubles("\(name).f64").enumerated() {
            let found = Double(values[index])
            if expected.isNaN || expected.isInfinite {
                #expect(
                    found.isNaN == expected.isNaN && found.isInfinite == expected.isInfinite,
                    "x = \(inputs[index])")
                continue
            }
            // exp(x) below the smallest normal number counts as 0; and torch's 1 + erf(x) has 53 bits of 1.
            let floor = name.hasPrefix("gelu") ? 0x1p-52 : 0x1p-125
            let allowed = max(ulps * abs(expected) * 0x1p-24, abs(Double(inputs[index])) * floor, 0x1p-149)
            #expect(abs(found - expected) <= allowed, "x = \(inputs[index]): \(found), expected \(expected)")
        }
    }

    /// Where 1 + erf(x) has lost all its digits, the complementary error function of the C library has not.
    @Test func geluIsAccurateInItsTail() {
        let inputs = stride(from: Float(-12.9), through: 0, by: 0.01).map { $0 }
        var values = inputs
        withMatrix(&values, columns: values.count) { Kernels.activate($0, .geluErf) }
        for (x, found) in zip(inputs, values) {
            let expected = 0.5 * Double(x) * erfc(-Double(x) / 2.0.squareRoot())
            #expect(abs(Double(found) - expected) <= 8 * abs(expected) * 0x1p-24, "x = \(x)")
        }
    }

    @Test(arguments: 1...37)
    func everyLengthAndEveryColumnIsTreatedAlike(_ count: Int) {
        let bias = (0..<count).map { Float($0) * 0.1 - 1 }
        for activation in Kernels.Activation.allCases {
            var row = [Float](repeating: 0.25, count: 2 * count)
            withMatrix(&row, columns: count) { Kernels.activate($0, bias: bias, activation) }
            for column in 0..<count {
                var single: [Float] = [0.25 + bias[column]]
                withMatrix(&single, columns: 1) { Kernels.activate($0, activation) }
                #expect(abs(row[column] - single[0]) <= 1e-6)
                #expect(row[column] == row[count + column])
            }
        }
    }

    @Test func gateMultipliesBySiLU() {
        var gate: [Float] = [-2, 0, 1, 3]
        var value: [Float] = [1, 5, -2, 0.5]
        withMatrices(&gate, columns: 2, &value, columns: 2) { Kernels.gateBySiLU($0, $1, into: $1) }
        // torch.nn.functional.silu(gate) * value
        #expect(largestError(value, [-0.23840584, 0, -1.4621172, 1.4288610]) < 1e-6)
    }

    @Test func halfTypesAreWidenedExactly() {
        // From IEEE 754: zero, smallest subnormal, largest subnormal, smallest normal, 1, 65504, −2, infinity.
        let halves: [UInt16] = [0, 1, 0x3FF, 0x400, 0x3C00, 0x7BFF, 0xC000, 0x7C00, 0xFC00, 0x8000]
        var floats = [Float](repeating: 1, count: halves.count)
        Kernels.widen(halves, .f16, into: &floats, count: halves.count)
        #expect(
            floats == [
                0, 0x1p-24, 0x1.FF8p-15, 0x1p-14, 1, 65504, -2, .infinity, -.infinity, -0.0,
            ])
        #expect(floats[9].sign == .minus)
        var notANumber: [Float] = [0]
        Kernels.widen([0x7E01], .f16, into: &notANumber, count: 1)
        #expect(notANumber[0].isNaN)

        let bfloats: [UInt16] = [0, 1, 0x3F80, 0xC000, 0x7F80, 0x7F7F]
        floats = [Float](repeating: 1, count: bfloats.count)
        Kernels.widen(bfloats, .bf16, into: &floats, count: bfloats.count)
        #expect(floats == [0, 0x1p-133, 1, -2, .infinity, 0x1.FEp127])
    }
}
