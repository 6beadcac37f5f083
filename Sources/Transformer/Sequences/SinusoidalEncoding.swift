import TensorCore

/// Positions as sines and cosines of falling frequency (Vaswani et al., section 3.5).
public enum SinusoidalEncoding {
    /// The encodings of the first positions, `[length, width]`: sin(p / 10000^(2i/width)) in column 2i, the cosine
    /// of the same in column 2i + 1.
    ///
    /// - Parameters:
    ///   - length: the number of positions, counted from 0.
    ///   - width: the length of a token.
    /// - Throws: `TensorError` for a negative length or width, or too many elements to count.
    public static func table(length: Int, width: Int) throws(TensorError) -> FloatTensor {
        var table = FloatTensor(zeros: try Shape([length, width]))
        let rates = (0..<(width + 1) / 2).map { pow(10_000, -Double(2 * $0) / Double(width)) }
        for position in 0..<length {
            for (pair, rate) in rates.enumerated() {
                let angle = Double(position) * rate
                table.values[position * width + 2 * pair] = Float(sin(angle))
                if 2 * pair + 1 < width {
                    table.values[position * width + 2 * pair + 1] = Float(cos(angle))
                }
            }
        }
        return table
    }
}
