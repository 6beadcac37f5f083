extension ViTConfiguration {
    /// Proves that the sizes fit together, and that they are small enough for later arithmetic to be safe.
    ///
    /// - Throws: `ViTError.configuration`.
    package func validate() throws(ViTError) {
        try check("imageSize", [imageSize.height, imageSize.width], in: 1...65_536)
        try check("patchSize", [patchSize.height, patchSize.width], in: 1...4096)
        try check("channels", [channels], in: 1...4096)
        try check("width", [width], in: 1...65_536)
        try check("depth", [depth], in: 0...1024)
        try check("heads", [heads], in: 1...65_536)
        try check("hidden", [hidden], in: 1...1 << 20)
        try check("poolHidden", [poolHidden], in: 1...1 << 20)
        try check("classes", [classes], in: 0...1 << 24)
        try check("registers", [registers], in: 0...65_536)
        try check("preLogits", [preLogits ?? 1], in: 1...1 << 20)

        guard gridSize.height > 0, gridSize.width > 0 else {
            throw .configuration(
                "an image of \(imageSize.height)×\(imageSize.width) pixels holds no patch of "
                    + "\(patchSize.height)×\(patchSize.width)")
        }
        guard width % heads == 0 else {
            throw .configuration("a width of \(width) cannot be divided into \(heads) heads")
        }
        guard layerNormEpsilon > 0, layerNormEpsilon < 1 else {
            throw .configuration("expected a LayerNorm epsilon between 0 and 1, found \(layerNormEpsilon)")
        }
        guard qkScale?.isFinite ?? true else {
            throw .configuration("expected a finite scale for the attention scores")
        }
        if let preprocessing {
            let counts = [preprocessing.mean.count, preprocessing.standardDeviation.count]
            guard counts == [channels, channels] else {
                throw .configuration("expected \(channels) means and standard deviations, found \(counts)")
            }
            guard preprocessing.resizing.map({ $0.cropRatio > 0 && $0.cropRatio <= 1 }) ?? true else {
                throw .configuration("expected a crop ratio above 0 and at most 1")
            }
        }
        guard classToken || !distilled else {
            throw .configuration("a distilled model needs a class token")
        }
        guard classToken || (pooling != .token && pooling != .tokenAndAverage) else {
            throw .configuration("taking the class token as the features needs a class token")
        }
        guard pooling != .tokenAndAverage || (preLogits == nil && !fcNorm) else {
            throw .configuration(
                "the class token and the patches' mean together have no norm behind them and no pre-logits")
        }
        guard labels == nil || labels?.count == classes else {
            throw .configuration(
                "expected \(classes) labels, one for each class, found \(labels?.count ?? 0)")
        }
        guard !distilled || (preLogits == nil && pooling == .token) else {
            throw .configuration(
                "a distilled model takes its two token rows: it has no pre-logits and no pooling")
        }
    }

    private func check(_ name: String, _ values: [Int], in range: ClosedRange<Int>) throws(ViTError) {
        for value in values where !range.contains(value) {
            throw .configuration(
                "\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
    }
}
