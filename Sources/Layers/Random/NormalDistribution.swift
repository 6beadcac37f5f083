/// Normally distributed numbers, by Marsaglia's polar method.
///
/// Only additions, multiplications, divisions and square roots are used, which IEEE 754 rounds alike
/// everywhere; the C library's logarithm would not be the same on every platform.
package struct NormalDistribution {
    private var spare: Double?

    package init() {}

    /// Mean 0, standard deviation 1.
    package mutating func draw(from source: inout RandomSource) -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        while true {
            let (u, v) = (2 * source.uniform() - 1, 2 * source.uniform() - 1)
            let square = u * u + v * v
            guard square < 1, square > 0 else { continue }
            let factor = (-2 * Self.logarithm(square) / square).squareRoot()
            spare = v * factor
            return u * factor
        }
    }

    /// Mean 0 and the given standard deviation; numbers beyond ±`limit` are drawn again, as torch's
    /// `trunc_normal_` has it (the limit is absolute, not in standard deviations).
    package mutating func draw(
        from source: inout RandomSource, standardDeviation: Double, within limit: Double
    ) -> Double {
        while true {
            let value = draw(from: &source) * standardDeviation
            if abs(value) <= limit { return value }
        }
    }

    /// The natural logarithm of a positive normal number, to about 1e-16 of 1.
    ///
    /// x = 2ᵉ·m with m between √½ and √2; ln m = 2·artanh((m − 1)/(m + 1)) by its series.
    package static func logarithm(_ x: Double) -> Double {
        var exponent = Double(x.exponent)
        var significand = x.significand
        if significand > 1.4142135623730951 {
            significand /= 2
            exponent += 1
        }
        let t = (significand - 1) / (significand + 1)
        let square = t * t
        var sum = 1.0 / 23
        for divisor in stride(from: 21.0, through: 1, by: -2) { sum = sum * square + 1 / divisor }
        return exponent * 0.6931471805599453 + 2 * t * sum
    }
}
