extension TransformerConfiguration {
    /// Proves that the sizes fit together, and that they are small enough for later arithmetic to be safe.
    ///
    /// - Throws: `TransformerError.configuration`.
    package func validate() throws(TransformerError) {
        try check("width", width, in: 1...65_536)
        try check("heads", heads, in: 1...65_536)
        try check("encoderDepth", encoderDepth, in: 1...1024)
        try check("decoderDepth", decoderDepth, in: 1...1024)
        try check("hidden", hidden, in: 1...1 << 20)
        guard width % heads == 0 else {
            throw .configuration("a width of \(width) cannot be divided into \(heads) heads")
        }
        guard layerNormEpsilon > 0, layerNormEpsilon < 1 else {
            throw .configuration("expected a LayerNorm epsilon between 0 and 1, found \(layerNormEpsilon)")
        }
    }

    private func check(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(TransformerError) {
        guard range.contains(value) else {
            throw .configuration(
                "\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
    }
}
