import Layers
import TensorCore

/// What goes on inside a model: tokens of any block, and attention maps.
extension VisionTransformer {
    /// One feature of a batch of images.
    ///
    /// ```swift
    /// let rows = try model.features(images, .classToken(block: -1), normalised: true)
    /// let maps = try model.features(images, .attention(block: 11))
    /// ```
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - feature: what is asked for; its case says the shape.
    ///   - normalised: whether the model's last norm is applied to tokens, as to those of the last block.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Throws: `ViTError.feature` when the model has no such block, or no class token; `ViTError` when the images or
    ///   the mask have another shape than the model takes.
    public func features(
        _ images: FloatTensor, _ feature: Feature, normalised: Bool = false, mask: AttentionMask? = nil
    ) throws(ViTError) -> FloatTensor {
        try features(images, [feature], normalised: normalised, mask: mask)[0]
    }

    /// Several features of a batch of images, in one pass that ends with the last block that is needed.
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - features: what is asked for; each case says the shape.
    ///   - normalised: whether the model's last norm is applied to tokens, as to those of the last block.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Returns: a tensor for each feature, in the order in which they were asked for.
    /// - Throws: `ViTError.feature` when the model has no such block, or no class token; `ViTError` when the images or
    ///   the mask have another shape than the model takes.
    public func features(
        _ images: FloatTensor, _ features: [Feature], normalised: Bool = false, mask: AttentionMask? = nil
    ) throws(ViTError) -> [FloatTensor] {
        var requests: [Request] = []
        for feature in features {
            requests.append(Request(feature, block: try block(of: feature), normalised: normalised))
        }
        return try answers(to: requests, images, mask)
    }

    /// The tokens after the last norm, and those of the blocks on the way, as timm's `forward_intermediates` has them.
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - blocks: counted from 0, or from the end where negative; nil for all.
    ///   - normalised: whether the last norm is applied to the intermediates, too.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Returns: all tokens after the last norm, `[batch, tokens, width]` (timm's `forward_features`), and the
    ///   intermediates in the order of the blocks.
    /// - Throws: `ViTError.feature` when the model has no such block; `ViTError` when the images or the mask have
    ///   another shape than the model takes.
    public func forwardIntermediates(
        _ images: FloatTensor, blocks: [Int]? = nil, normalised: Bool = false, mask: AttentionMask? = nil
    ) throws(ViTError) -> (tokens: FloatTensor, intermediates: [Intermediate]) {
        var wanted: Set<Int> = []
        for index in blocks ?? Array(0..<configuration.depth) {
            wanted.insert(try block(of: .tokens(block: index)))
        }
        let last = configuration.depth - 1
        var requests = [Request(.tokens(block: last), block: last, normalised: true)]
        let hasPrefix = configuration.prefixCount > 0
        for block in wanted.sorted() {
            requests.append(Request(.patchMap(block: block), block: block, normalised: normalised))
            guard hasPrefix else { continue }
            requests.append(Request(.prefixTokens(block: block), block: block, normalised: normalised))
        }
        let answers = try answers(to: requests, images, mask)
        let step = hasPrefix ? 2 : 1
        let intermediates = wanted.sorted().enumerated().map { index, block in
            let first = 1 + index * step
            return Intermediate(
                block: block, patches: answers[first], prefix: hasPrefix ? answers[first + 1] : nil)
        }
        return (answers[0], intermediates)
    }

    /// A feature of a block that the model has.
    private struct Request {
        let feature: Feature
        let block: Int
        let normalised: Bool

        init(_ feature: Feature, block: Int, normalised: Bool) {
            (self.feature, self.block, self.normalised) = (feature, block, normalised)
        }
    }

    private func block(of feature: Feature) throws(ViTError) -> Int {
        let depth = configuration.depth
        guard (-depth..<depth).contains(feature.block) else {
            throw .feature("there is no block \(feature.block): the model has \(depth), counted from 0")
        }
        if feature.needsClassToken, !configuration.classToken {
            throw .feature("the model has no class token")
        }
        return feature.block < 0 ? feature.block + depth : feature.block
    }

    private func answers(
        to requests: [Request], _ images: FloatTensor, _ mask: AttentionMask?
    ) throws(ViTError) -> [FloatTensor] {
        var trace: ActivationTrace?
        let groups = try run(images, trace: &trace, mask: mask) { walk($0, $1, requests) }
        return requests.indices.map { index in Self.joined(groups.map { $0[index] }) }
    }

    /// The blocks up to the last one that is needed, and what is wanted of each.
    private func walk(_ images: Images, _ pass: ForwardPass, _ requests: [Request]) -> [FloatTensor] {
        let names = requests.filter(\.feature.isAttention).map { "blocks.\($0.block).attn.attn_drop" }
        let watched = ForwardPass(
            batch: pass.batch, workspace: pass.workspace,
            trace: names.isEmpty ? nil : ActivationTrace(names: Set(names)), mask: pass.mask)
        let tokens = embed(images, watched)
        var answers = [FloatTensor?](repeating: nil, count: requests.count)
        let end = requests.reduce(0) { max($0, $1.block + 1) }
        for (index, block) in blocks.prefix(end).enumerated() {
            block(tokens, watched)
            for (place, request) in requests.enumerated() where request.block == index {
                if request.feature.isAttention {
                    let weights = watched.trace?["blocks.\(index).attn.attn_drop"]
                    answers[place] = weights.map { cut($0, for: request.feature) }
                } else {
                    let seen = request.normalised ? normed(tokens, watched) : tokens
                    answers[place] = cut(seen, for: request.feature, batch: pass.batch)
                }
            }
        }
        return answers.compactMap(\.self)
    }

    private func normed(_ tokens: Matrix, _ pass: ForwardPass) -> Matrix {
        guard let norm = pooling.norm else { return tokens }
        let normed = pass.workspace.matrix(.normed, rows: tokens.rowCount, columns: tokens.columnCount)
        norm(tokens, into: normed)
        return normed
    }

    /// The rows of some of each image's tokens.
    private func cut(_ tokens: Matrix, for feature: Feature, batch: Int) -> FloatTensor {
        let (width, prefix) = (configuration.width, configuration.prefixCount)
        let (count, grid) = (configuration.tokenCount, configuration.gridSize)
        let range =
            switch feature {
            case .classToken: 0..<1
            case .prefixTokens: 0..<prefix
            case .patchTokens, .patchMap: prefix..<count
            case .tokens, .attention, .classAttention: 0..<count
            }
        let shape =
            switch feature {
            case .classToken: [batch, width]
            case .patchMap: [batch, width, grid.height, grid.width]
            default: [batch, range.count, width]
            }
        var result = FloatTensor(zeros: Shape(unchecked: shape))
        result.values.withUnsafeMutableBufferPointer { values in
            guard let start = values.baseAddress else { return }
            for image in 0..<batch {
                let rows = tokens.rows(image * count + range.lowerBound..<image * count + range.upperBound)
                let target = start + image * range.count * width
                if case .patchMap = feature {
                    for row in 0..<rows.rowCount {
                        let source = rows.start + row * rows.stride
                        for column in 0..<width { target[column * range.count + row] = source[column] }
                    }
                } else {
                    target.update(from: rows.start, count: range.count * width)
                }
            }
        }
        return result
    }

    /// All weights, or the class token's row over the patches.
    private func cut(_ weights: FloatTensor, for feature: Feature) -> FloatTensor {
        guard case .classAttention = feature else { return weights }
        let (batch, heads, count) = (weights.shape[0], weights.shape[1], weights.shape[3])
        let (grid, prefix) = (configuration.gridSize, configuration.prefixCount)
        var result = FloatTensor(zeros: Shape(unchecked: [batch, heads, grid.height, grid.width]))
        let patches = grid.height * grid.width
        for head in 0..<batch * heads {
            let first = head * count * count + prefix
            result.values.replaceSubrange(
                head * patches..<(head + 1) * patches, with: weights.values[first..<first + patches])
        }
        return result
    }
}
