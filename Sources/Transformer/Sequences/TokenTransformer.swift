import Layers
import TensorCore

/// A Transformer from tokens to tokens: embeddings and positions in front, a linear map to the vocabulary behind.
public struct TokenTransformer: Sendable {
    /// The model in between.
    public let transformer: Transformer
    private let sourceEmbedding: Parameter
    private let targetEmbedding: Parameter
    private let projection: Linear
    private let embeddingScale: Float

    /// A model whose tables and maps stand as torch has them.
    ///
    /// - Parameters:
    ///   - transformer: the encoder and the decoder.
    ///   - sourceEmbedding: a row for each token of the source's vocabulary, `[tokens, width]`.
    ///   - targetEmbedding: the same of the target's.
    ///   - projection: the weight of the map to the target's vocabulary, `[tokens, width]`.
    ///   - projectionBias: its bias `[tokens]`, if any.
    ///   - embeddingScale: the factor of embeddings before positions are added; √width when nil, as in the paper.
    /// - Throws: `TransformerError.configuration` when the shapes do not go together; whatever reading them throws.
    public init(
        _ transformer: Transformer, sourceEmbedding: TensorView, targetEmbedding: TensorView,
        projection: TensorView, projectionBias: TensorView? = nil, embeddingScale: Float? = nil
    ) throws {
        let width = transformer.configuration.width
        for (name, view) in [
            ("source embedding", sourceEmbedding), ("target embedding", targetEmbedding),
            ("projection", projection),
        ] {
            guard view.shape.rank == 2, view.shape[0] > 0, view.shape[0] <= Int32.max, view.shape[1] == width
            else { throw TransformerError.input(name, expected: "[tokens, \(width)]", found: view.shape) }
        }
        if let projectionBias, projectionBias.shape != (try Shape([projection.shape[0]])) {
            throw TransformerError.input(
                "projection's bias", expected: "[\(projection.shape[0])]", found: projectionBias.shape)
        }
        self.transformer = transformer
        self.sourceEmbedding = try Parameter(sourceEmbedding)
        self.targetEmbedding = try Parameter(targetEmbedding)
        self.projection = Linear(
            weight: try Parameter(projection), bias: try projectionBias.map { try Parameter($0) })
        self.embeddingScale = embeddingScale ?? Float(width).squareRoot()
    }

    /// For each position of each target the logits of the token that follows, `[batch, longest target, vocabulary]`.
    ///
    /// Sentences may be of different lengths: they are padded to the longest, and padding is hidden from every
    /// attention. Positions behind a target's end hold nothing of meaning.
    ///
    /// - Parameters:
    ///   - sources: sentences as numbers of tokens in the source's vocabulary.
    ///   - targets: as many, in the target's vocabulary; each from its start token on.
    /// - Throws: `TransformerError.tokens` for a token that is not in its vocabulary, an empty sentence, or a
    ///   different number of sources and targets.
    public func logits(sources: [[Int]], targets: [[Int]]) throws -> FloatTensor {
        guard sources.count == targets.count else {
            throw TransformerError.tokens(
                "expected as many sources as targets, found \(sources.count) and \(targets.count)")
        }
        return try logits(memory: try encoded(sources), targets: targets)
    }

    /// The same as probabilities: the softmax of the logits.
    ///
    /// - Parameters:
    ///   - sources: sentences as numbers of tokens in the source's vocabulary.
    ///   - targets: as many, in the target's vocabulary; each from its start token on.
    /// - Throws: as ``logits(sources:targets:)``.
    public func probabilities(sources: [[Int]], targets: [[Int]]) throws -> FloatTensor {
        var result = try logits(sources: sources, targets: targets)
        let columns = result.shape[2]
        result.values.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            Kernels.softmax(Matrix(start, rows: buffer.count / columns, columns: columns), scale: 1)
        }
        return result
    }

    /// Translates greedily: from `start` on always the most probable token, until `end` or so many new tokens.
    ///
    /// - Parameters:
    ///   - sources: the sentences.
    ///   - start: the token that every target begins with.
    ///   - end: the token behind which a target ends.
    ///   - limit: the most tokens behind `start`.
    /// - Returns: for each source its target, `start` and, where it was reached, `end` with it. Of equally probable
    ///   tokens the first is taken, as by `torch.argmax`.
    /// - Throws: as ``logits(sources:targets:)``.
    /// - Complexity: the encoder runs once; the decoder once for each new token, over all before it.
    public func decodeGreedily(_ sources: [[Int]], start: Int, end: Int, limit: Int) throws -> [[Int]] {
        let memory = try encoded(sources)
        var targets = [[Int]](repeating: [start], count: sources.count)
        var isOpen = [Bool](repeating: true, count: sources.count)
        for _ in 0..<max(0, limit) {
            guard isOpen.contains(true) else { break }
            let logits = try logits(memory: memory, targets: targets)
            let (length, vocabulary) = (logits.shape[1], logits.shape[2])
            for index in targets.indices {
                // A target that has ended only keeps the batch even.
                let last = (index * length + length - 1) * vocabulary
                let next = Self.largest(logits.values[last..<last + vocabulary])
                targets[index].append(isOpen[index] ? next : end)
                if next == end { isOpen[index] = false }
            }
        }
        return targets.map { target in
            guard let first = target.dropFirst().firstIndex(of: end) else { return target }
            return Array(target[...first])
        }
    }

    private static func largest(_ values: ArraySlice<Float>) -> Int {
        var best = values.startIndex
        for index in values.indices where values[index] > values[best] { best = index }
        return best - values.startIndex
    }
}

extension TokenTransformer {
    /// The encoder's output, and what of it is padding.
    private struct Memory {
        let rows: FloatTensor
        let padding: [[Bool]]
    }

    private func encoded(_ sources: [[Int]]) throws -> Memory {
        let (rows, padding) = try embedded(sources, by: sourceEmbedding, "source")
        let masks = try TransformerMasks(sourcePadding: padding)
        return Memory(rows: try transformer.encode(rows, masks: masks), padding: padding)
    }

    private func logits(memory: Memory, targets: [[Int]]) throws -> FloatTensor {
        let (rows, padding) = try embedded(targets, by: targetEmbedding, "target")
        let length = rows.shape[1]
        let masks = try TransformerMasks(
            sourcePadding: memory.padding, targetPadding: padding, causalLength: length)
        var decoded = try transformer.decode(rows, memory: memory.rows, masks: masks)
        let (width, vocabulary) = (transformer.configuration.width, projection.outputCount)
        var logits = FloatTensor(zeros: try Shape([targets.count, length, vocabulary]))
        decoded.values.withUnsafeMutableBufferPointer { decoded in
            logits.values.withUnsafeMutableBufferPointer { logits in
                guard let source = decoded.baseAddress, let target = logits.baseAddress else { return }
                projection(
                    Matrix(source, rows: decoded.count / width, columns: width),
                    into: Matrix(target, rows: logits.count / vocabulary, columns: vocabulary))
            }
        }
        return logits
    }

    /// Embeddings and positions, `[batch, longest, width]`, and which of them are padding.
    private func embedded(
        _ sentences: [[Int]], by table: Parameter, _ side: String
    ) throws -> (FloatTensor, padding: [[Bool]]) {
        guard let length = sentences.map(\.count).max(), !sentences.contains(where: \.isEmpty) else {
            throw TransformerError.tokens("expected one or more \(side) sentences of one or more tokens")
        }
        let (width, vocabulary) = (transformer.configuration.width, table.shape[0])
        let positions = try SinusoidalEncoding.table(length: length, width: width)
        var rows = FloatTensor(zeros: try Shape([sentences.count, length, width]))
        for (index, sentence) in sentences.enumerated() {
            for (place, token) in sentence.enumerated() {
                guard (0..<vocabulary).contains(token) else {
                    throw TransformerError.tokens(
                        "token \(token) is not in the \(side)'s vocabulary of \(vocabulary)")
                }
                let first = (index * length + place) * width
                for column in 0..<width {
                    rows.values[first + column] =
                        table.values[token * width + column] * embeddingScale
                        + positions.values[place * width + column]
                }
            }
        }
        return (rows, sentences.map { sentence in (0..<length).map { $0 >= sentence.count } })
    }
}
