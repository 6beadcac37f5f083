import TensorCore

/// How far two implementations of one model may lie apart: |a − b| ≤ absolute + relative · |b| for every
/// element, b being the reference.
public struct Tolerance: Sendable, Hashable {
    /// The absolute part for the logits, when it is set; else it follows from their size.
    public let absolute: Double?
    /// The part relative to the reference's element.
    public let relative: Double
    /// The absolute part as a fraction of a tensor's size, when it is not set.
    let fraction: Double

    /// The tolerance for a model whose parameters are stored in `dtype`, with any part set by hand.
    ///
    /// Measured on models of 2 and of 12 blocks, as the largest error by the logits' root mean square: F32
    /// against F64 arithmetic 3e-6; the wrong GELU (tanh for erf) 2e-4 to 1e-3; parameters rounded to F16 3e-3,
    /// to BF16 2e-2. So the default for F32 (3e-5) lets ten times the rounding pass and not the wrong GELU. For
    /// half types the defaults (1e-2, 7e-2) allow for a reference from unrounded parameters; where the
    /// reference comes from the rounded ones, set tighter ones.
    ///
    /// - Parameters:
    ///   - dtype: the type in which the parameters, most of them, are stored.
    ///   - absolute: the absolute part for the logits.
    ///   - relative: the relative part.
    public init(dtype: DType = .f32, absolute: Double? = nil, relative: Double? = nil) {
        let standard: Double =
            switch dtype {
            case .f16: 1e-2
            case .bf16: 7e-2
            case .f64, .f32: 3e-5
            default: 1.5e-1
            }
        self.absolute = absolute
        self.relative = relative ?? standard
        fraction = standard
    }

    /// The absolute part for one tensor.
    ///
    /// It grows with the tensor's size, which is its root mean square or a tenth of its largest magnitude,
    /// whichever is more: activations reach hundreds where logits are ones, and the rounding of one outlier
    /// spreads over its row. A part that was set holds for the logits and grows for an activation as far as
    /// that is larger than the logits.
    func absolute(for size: Double, logitsSize: Double) -> Double {
        guard let absolute else { return max(fraction * size, Self.least) }
        return absolute * max(1, logitsSize > 0 ? size / logitsSize : 1)
    }

    /// What is allowed to a tensor of zeros.
    private static let least = 1e-9
}
