import Layers
import TensorCore

/// The walk of a batch through the model.
extension VisionTransformer {
    /// Tokens at a time: more images than that pass one group after another, so that memory stays bounded.
    private static let tokensAtOnce = 2048

    /// What `end` makes of each group of images.
    func run<Part>(
        _ images: FloatTensor, trace: inout ActivationTrace?, mask: AttentionMask? = nil,
        dropout: (any DropoutSource)? = nil, to end: (Images, ForwardPass) -> Part
    ) throws(ViTError) -> [Part] {
        try check(images.shape)
        let count = images.shape[0]
        try check(mask, count)
        // A trace and masks that were recorded hold whole batches.
        let isWhole = trace != nil || dropout != nil
        let step = isWhole ? max(1, count) : max(1, Self.tokensAtOnce / configuration.tokenCount)
        var parts: [Part] = []
        withExtendedLifetime(self) {
            images.values.withUnsafeBufferPointer { pixels in
                workspaces.withWorkspace { workspace in
                    guard let start = pixels.baseAddress else { return }
                    for first in stride(from: 0, to: count, by: step) {
                        let part = Images(
                            start: start + first * (pixels.count / count), count: min(step, count - first))
                        let pass = ForwardPass(
                            batch: part.count, workspace: workspace, trace: trace,
                            mask: mask?.images(first..<first + part.count), dropout: dropout)
                        parts.append(end(part, pass))
                        trace = pass.trace
                    }
                }
            }
        }
        return parts
    }

    private func check(_ mask: AttentionMask?, _ count: Int) throws(ViTError) {
        let tokens = configuration.tokenCount
        do {
            try mask?.requireFit(images: count, heads: configuration.heads, queries: tokens, keys: tokens)
        } catch {
            throw .attentionMask(error.description)
        }
    }

    private func check(_ shape: Shape) throws(ViTError) {
        guard shape.rank == 4, shape[0] > 0 else { throw .inputShape(shape) }
        guard shape[1] == configuration.channels else {
            throw .channels(expected: configuration.channels, found: shape[1])
        }
        let size = ViTConfiguration.Size(height: shape[2], width: shape[3])
        guard size == configuration.imageSize else {
            throw .imageSize(expected: configuration.imageSize, found: size)
        }
    }

    /// The tokens that the first block takes.
    func embed(_ images: Images, _ pass: ForwardPass) -> Matrix {
        let patches = patchEmbed(images, pass)
        let tokens = tokenEmbedding(patches, pass)
        if let normPre {
            normPre(tokens, into: tokens)
            pass.keep("norm_pre", tokens)
        }
        return tokens
    }

    /// Tokens, blocks, pooling: the rows that the head takes.
    private func featureRows(_ images: Images, _ pass: ForwardPass) -> Matrix {
        let tokens = embed(images, pass)
        for block in blocks.dropLast() { block(tokens, pass) }
        if pass.isTraining {
            // Every token draws its own, also those that go no further.
            blocks.last?(tokens, pass)
            return pooling(
                tokens, leading: pooling.leadingTokenCount.map { copy($0, of: tokens, pass) }, pass)
        }
        let leading = pooling.leadingTokenCount.map { leadingTokens($0, of: tokens, pass) }
        // A trace shows every token of the last block too, but the result is the same with and without one.
        if leading == nil || pass.isTraced { blocks.last?(tokens, pass) }
        return pooling(tokens, leading: leading, pass)
    }

    /// The rows of the first tokens of each image.
    private func copy(_ count: Int, of tokens: Matrix, _ pass: ForwardPass) -> Matrix {
        let rows = pass.workspace.matrix(.leading, rows: pass.batch * count, columns: tokens.columnCount)
        tokens.copyLeadingRows(count, of: configuration.tokenCount, into: rows)
        return rows
    }

    /// The last block for the first tokens of each image alone; `tokens`, which it takes, stay.
    private func leadingTokens(_ count: Int, of tokens: Matrix, _ pass: ForwardPass) -> Matrix {
        let rows = copy(count, of: tokens, pass)
        blocks.last?(tokens, leading: rows, pass)
        return rows
    }

    func features(_ images: Images, _ pass: ForwardPass) -> FloatTensor {
        let features = featureRows(images, pass)
        let rows = pooling.rowsPerImage
        let shape =
            rows == 1 ? [images.count, features.columnCount] : [images.count, rows, features.columnCount]
        return Self.tensor(features, shape: shape)
    }

    func logits(_ images: Images, _ pass: ForwardPass) -> FloatTensor {
        let outputs = outputs(images, pass)
        let logits = outputs.count == 2 ? Self.mean(outputs[0], outputs[1]) : outputs[0]
        pass.keep("logits", logits)
        return logits
    }

    /// What each head puts out, or each row of features where there is no head.
    func outputs(_ images: Images, _ pass: ForwardPass) -> [FloatTensor] {
        let features = featureRows(images, pass)
        let rows = pooling.rowsPerImage
        if pass.isTraining {
            for (row, name) in ["head_drop", "head_drop_dist"].prefix(rows).enumerated() {
                pass.drop(name, features.everyRow(from: row, step: rows, count: images.count))
            }
        }
        var outputs = heads.enumerated().map { index, head in
            var output = FloatTensor(zeros: Shape(unchecked: [images.count, head.linear.outputCount]))
            output.values.withUnsafeMutableBufferPointer { values in
                guard let start = values.baseAddress else { return }
                head.linear(
                    features.everyRow(from: index, step: rows, count: images.count),
                    into: Matrix(start, rows: images.count, columns: head.linear.outputCount))
            }
            pass.keep(head.name, output)
            return output
        }
        if outputs.isEmpty {
            outputs = (0..<rows).map { index in
                Self.tensor(
                    features.everyRow(from: index, step: rows, count: images.count),
                    shape: [images.count, features.columnCount])
            }
        }
        return outputs
    }

    private static func mean(_ first: FloatTensor, _ second: FloatTensor) -> FloatTensor {
        var mean = first
        for index in mean.values.indices {
            mean.values[index] = (first.values[index] + second.values[index]) / 2
        }
        return mean
    }

    private static func tensor(_ matrix: Matrix, shape: [Int]) -> FloatTensor {
        var tensor = FloatTensor(zeros: Shape(unchecked: shape))
        tensor.values.withUnsafeMutableBufferPointer { values in
            guard let start = values.baseAddress else { return }
            for row in 0..<matrix.rowCount {
                (start + row * matrix.columnCount).update(
                    from: matrix.start + row * matrix.stride, count: matrix.columnCount)
            }
        }
        return tensor
    }

    /// Groups of a batch, one after another.
    static func joined(_ parts: [FloatTensor]) -> FloatTensor {
        guard parts.count > 1, var dimensions = parts.first?.shape.dimensions else {
            return parts.first ?? FloatTensor(zeros: Shape(unchecked: [0]))
        }
        dimensions[0] = parts.reduce(0) { $0 + $1.shape[0] }
        var whole = FloatTensor(zeros: Shape(unchecked: dimensions))
        var next = 0
        for part in parts {
            whole.values.replaceSubrange(next..<next + part.values.count, with: part.values)
            next += part.values.count
        }
        return whole
    }
}
