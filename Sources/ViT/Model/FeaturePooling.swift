import Layers
import TensorCore

/// From all tokens to the rows that the head takes: norm, pooling, `fc_norm` and pre-logits.
struct FeaturePooling: Sendable {
    let norm: LayerNorm?
    let attention: AttentionPool?
    let fcNorm: LayerNorm?
    let preLogits: Linear?
    let configuration: ViTConfiguration

    init(_ parameters: ParameterSource, _ configuration: ViTConfiguration) throws {
        let epsilon = Float(configuration.layerNormEpsilon)
        norm = try parameters.optionalNorm("norm", epsilon: epsilon)
        attention =
            configuration.pooling == .attention
            ? try AttentionPool("attn_pool", parameters, configuration) : nil
        fcNorm = try parameters.optionalNorm("fc_norm", epsilon: epsilon)
        preLogits = configuration.preLogits == nil ? nil : try parameters.linear("pre_logits.fc")
        self.configuration = configuration
    }

    /// The number of feature rows per image: two when distilled.
    var rowsPerImage: Int { configuration.distilled ? 2 : 1 }

    /// How many tokens of each image go on after the last block, the first ones; nil when all of them do.
    var leadingTokenCount: Int? { configuration.leadingTokenCount }

    /// Tokens [B · tokens, width], which are used up, → features [B · rowsPerImage, features].
    ///
    /// Where only the first tokens go on, `leading` are their rows, and `tokens` are for a trace alone.
    func callAsFunction(_ tokens: Matrix, leading: Matrix?, _ pass: ForwardPass) -> Matrix {
        let pooled = pass.workspace.matrix(
            .pooled, rows: pass.batch * rowsPerImage, columns: configuration.pooledCount)
        switch configuration.pooling {
        case .token:
            leading?.copyLeadingRows(rowsPerImage, of: rowsPerImage, into: pooled)
            if let norm { norm(pooled, into: pooled) }
            if pass.traces(["norm"]) { normalise(tokens, pass) }
        case .average:
            normalise(tokens, pass)
            takeMeans(tokens, into: pooled, pass)
        case .tokenAndAverage:
            normalise(tokens, pass)
            let width = configuration.width
            for image in 0..<pass.batch {
                (pooled.start + image * pooled.stride).update(
                    from: tokens.start + image * configuration.tokenCount * tokens.stride, count: width)
            }
            takeMeans(tokens, into: pooled, column: width, pass)
        case .attention:
            normalise(tokens, pass)
            attention?(withoutPrefix(tokens, pass), into: pooled, pass)
        }
        if let fcNorm {
            fcNorm(pooled, into: pooled)
            pass.keepFeatures("fc_norm", pooled)
        }
        guard let preLogits else { return pooled }
        let features = pass.workspace.matrix(
            .features, rows: pooled.rowCount, columns: configuration.featureCount)
        preLogits(pooled, into: features)
        pass.keepFeatures("pre_logits.fc", features)
        Kernels.activate(features, .tanh)
        pass.keepFeatures("pre_logits.act", features)
        pass.keepFeatures("pre_logits", features)
        return features
    }

    private func normalise(_ tokens: Matrix, _ pass: ForwardPass) {
        guard let norm else { return }
        norm(tokens, into: tokens)
        pass.keep("norm", tokens)
    }

    /// The mean of each image's patches, from the given column on.
    private func takeMeans(
        _ tokens: Matrix, into pooled: Matrix, column: Int = 0, _ pass: ForwardPass
    ) {
        let (prefix, count) = (configuration.prefixCount, configuration.tokenCount)
        Parallel.forEach(pass.batch) { image in
            let patches = tokens.rows(image * count + prefix..<(image + 1) * count)
            Kernels.meanOfRows(patches, into: pooled.start + image * pooled.stride + column)
        }
    }

    /// The patches' rows, moved together.
    private func withoutPrefix(_ tokens: Matrix, _ pass: ForwardPass) -> Matrix {
        let prefix = configuration.prefixCount
        guard prefix > 0 else { return tokens }
        let (count, width) = (configuration.tokenCount - prefix, tokens.columnCount)
        let patches = pass.workspace.matrix(.patches, rows: pass.batch * count, columns: width)
        for image in 0..<pass.batch {
            patches.rows(image * count..<(image + 1) * count).start.update(
                from: tokens.rows(
                    image * configuration.tokenCount + prefix..<(image + 1) * configuration.tokenCount
                ).start,
                count: count * width)
        }
        return patches
    }
}
