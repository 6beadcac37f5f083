import CKernels
import TensorCore

/// The element-wise kernels, on the calling thread; ``forEachRows(_:columns:_:)`` spreads rows over the cores.
package enum Kernels {
    package enum Activation: Sendable, CaseIterable {
        case identity, relu, geluErf, geluTanh, geluQuick, silu, tanh

        fileprivate var code: kernel_activation {
            switch self {
            case .identity: KERNEL_IDENTITY
            case .relu: KERNEL_RELU
            case .geluErf: KERNEL_GELU_ERF
            case .geluTanh: KERNEL_GELU_TANH
            case .geluQuick: KERNEL_GELU_QUICK
            case .silu: KERNEL_SILU
            case .tanh: KERNEL_TANH
            }
        }
    }

    /// x ← activation(x + bias)
    package static func activate(_ x: Matrix, bias: UnsafePointer<Float>? = nil, _ activation: Activation) {
        if activation == .identity, bias == nil { return }
        kernel_bias_activation(x.start, x.rowCount, x.columnCount, x.stride, bias, activation.code)
    }

    /// target ← silu(gate) · value
    package static func gateBySiLU(_ gate: Matrix, _ value: Matrix, into target: Matrix) {
        kernel_gated_silu(
            target.start, target.stride, gate.start, gate.stride, value.start, value.stride, target.rowCount,
            target.columnCount)
    }

    /// x ← x + gamma · (y + bias), rounded after each step
    package static func add(
        _ y: Matrix, bias: UnsafePointer<Float>? = nil, gamma: UnsafePointer<Float>? = nil, to x: Matrix
    ) {
        kernel_add_residual(x.start, x.stride, y.start, y.stride, x.rowCount, x.columnCount, bias, gamma)
    }

    /// x ← gamma · x, column by column
    package static func scaleColumns(_ x: Matrix, by gamma: UnsafePointer<Float>) {
        kernel_scale_columns(x.start, x.rowCount, x.columnCount, x.stride, gamma)
    }

    /// target ← (x − mean) / √(variance + epsilon) · weight + bias, row by row; target may be x
    package static func layerNorm(
        _ x: Matrix, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>, epsilon: Float,
        into target: Matrix
    ) {
        kernel_layer_norm(
            x.start, x.stride, target.start, target.stride, x.rowCount, x.columnCount, weight, bias, epsilon)
    }

    /// x ← factor · x
    package static func scale(_ x: Matrix, by factor: Float) {
        kernel_scale(x.start, x.rowCount, x.columnCount, x.stride, factor)
    }

    /// x ← x · factors, element by element
    package static func multiply(_ x: Matrix, by factors: Matrix) {
        kernel_multiply(x.start, x.stride, factors.start, factors.stride, x.rowCount, x.columnCount)
    }

    /// x ← softmax(scale · x + mask), row by row; a row that the mask sets to −∞ as a whole becomes 0
    package static func softmax(_ x: Matrix, scale: Float, mask: Matrix? = nil) {
        kernel_softmax(x.start, x.rowCount, x.columnCount, x.stride, scale, mask?.start, mask?.stride ?? 0)
    }

    /// target ← the mean of x's rows
    package static func meanOfRows(_ x: Matrix, into target: UnsafeMutablePointer<Float>) {
        kernel_mean_rows(x.start, x.rowCount, x.columnCount, x.stride, target)
    }

    /// Widens IEEE half-precision or bfloat16 numbers; every value is exact.
    package static func widen(
        _ source: UnsafePointer<UInt16>, _ dtype: DType, into target: UnsafeMutablePointer<Float>, count: Int
    ) {
        if dtype == .bf16 {
            kernel_widen_bfloat(source, target, count)
        } else {
            kernel_widen_half(source, target, count)
        }
    }

    /// Spreads rows over the cores in groups of about 16,000 elements, whatever the number of threads.
    package static func forEachRows(_ count: Int, columns: Int, _ body: @Sendable (Range<Int>) -> Void) {
        let step = max(1, 16_384 / max(1, columns))
        Parallel.forEach((count + step - 1) / step) { index in
            body(index * step..<min((index + 1) * step, count))
        }
    }
}
