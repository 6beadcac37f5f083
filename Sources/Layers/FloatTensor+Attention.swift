import TensorCore

/// Scaled dot-product attention, softmax(queries · keysᵀ · scale + mask) · values (Vaswani et al., arXiv 1706.03762).
///
/// Each query gets a weighted mean of the values: the more, the better its key goes with it.
///
/// - Parameters:
///   - queries: `[queries, length]`, `[heads, queries, length]` or `[images, heads, queries, length]`.
///   - keys: the same with the number of keys in place of that of queries.
///   - values: as many as keys, of the same length or another.
///   - mask: what is added to the scores, or nil.
///   - scale: the factor of the scores; 1/√length when nil.
/// - Returns: a row for each query, as long as a value.
/// - Throws: `TensorError.incompatible` when the shapes do not go together, or the mask's with theirs.
public func scaledDotProductAttention(
    queries: FloatTensor, keys: FloatTensor, values: FloatTensor, mask: AttentionMask? = nil,
    scale: Float? = nil
) throws(TensorError) -> FloatTensor {
    let sizes = try AttentionSizes(queries, keys, values)
    try mask?.requireFit(images: sizes.images, heads: sizes.heads, queries: sizes.queries, keys: sizes.keys)
    return sizes.attend(queries, keys, values, mask, scale, trace: nil).output
}

/// The weights of scaled dot-product attention, softmax(queries · keysᵀ · scale + mask): what each query takes of each
/// key's value.
///
/// - Parameters:
///   - queries: `[queries, length]`, `[heads, queries, length]` or `[images, heads, queries, length]`.
///   - keys: the same with the number of keys in place of that of queries.
///   - mask: what is added to the scores, or nil.
///   - scale: the factor of the scores; 1/√length when nil.
/// - Returns: `[…, queries, keys]`; each row sums to 1, or is 0 where the mask hides every key.
/// - Throws: `TensorError.incompatible` when the shapes do not go together, or the mask's with theirs.
public func attentionWeights(
    queries: FloatTensor, keys: FloatTensor, mask: AttentionMask? = nil, scale: Float? = nil
) throws(TensorError) -> FloatTensor {
    let sizes = try AttentionSizes(queries, keys, nil)
    try mask?.requireFit(images: sizes.images, heads: sizes.heads, queries: sizes.queries, keys: sizes.keys)
    let trace = ActivationTrace(names: [AttentionSizes.weightsName])
    let weights = sizes.attend(queries, keys, nil, mask, scale, trace: trace).weights?.values ?? []
    let leading = queries.shape.dimensions.dropLast(2)
    return try FloatTensor(shape: Shape(leading + [sizes.queries, sizes.keys]), values: weights)
}

/// The sizes of an attention, once its operands are found to go together.
private struct AttentionSizes {
    static let weightsName = "weights"
    let images: Int
    let heads: Int
    let queries: Int
    let keys: Int
    let length: Int
    let valueLength: Int
    let outputShape: Shape

    init(_ queries: FloatTensor, _ keys: FloatTensor, _ values: FloatTensor?) throws(TensorError) {
        let (q, k) = (queries.shape.dimensions, keys.shape.dimensions)
        let v = values?.shape.dimensions ?? Array(k.dropLast()) + [0]
        guard (2...4).contains(q.count), k.count == q.count, v.count == q.count,
            q.dropLast(2) == k.dropLast(2), q.last == k.last, q.last != 0, k.dropLast() == v.dropLast(),
            (q + k + v).allSatisfy({ $0 <= Int32.max / 2 })
        else {
            throw .incompatible(
                "queries \(queries.shape), keys \(keys.shape)"
                    + (values.map { " and values \($0.shape)" } ?? "") + " do not go together in an attention"
            )
        }
        let rank = q.count
        images = rank == 4 ? q[0] : 1
        heads = rank >= 3 ? q[rank - 3] : 1
        self.queries = q[rank - 2]
        self.keys = k[rank - 2]
        length = q[rank - 1]
        valueLength = v[rank - 1]
        outputShape = try Shape(q.dropLast() + [valueLength])
    }

    func attend(
        _ queries: FloatTensor, _ keys: FloatTensor, _ values: FloatTensor?, _ mask: AttentionMask?,
        _ scale: Float?, trace: ActivationTrace?
    ) -> (output: FloatTensor, weights: FloatTensor?) {
        let zeros = FloatTensor(zeros: outputShape)
        let empty = FloatTensor(
            zeros: Shape(unchecked: Array(outputShape.dimensions.dropLast()) + [self.keys]))
        guard images * heads > 0, self.queries > 0, self.keys > 0 else { return (zeros, empty) }
        let workspace = Workspace()
        let pass = ForwardPass(batch: images, workspace: workspace, trace: trace)
        let q = workspace.matrix(.queries, rows: images * self.queries, columns: heads * length)
        let k = workspace.matrix(.init("keys"), rows: images * self.keys, columns: heads * length)
        let v = workspace.matrix(.init("values"), rows: images * self.keys, columns: heads * valueLength)
        let target = workspace.matrix(.attended, rows: images * self.queries, columns: heads * valueLength)
        joinHeads(queries.values, into: q)
        joinHeads(keys.values, into: k)
        joinHeads(values?.values ?? [], into: v)
        ScaledDotProduct(heads: heads, scale: scale ?? Float(1 / Double(max(1, length)).squareRoot())).attend(
            q, k, v, mask: mask, into: target, name: Self.weightsName, pass)
        return (splitHeads(target), pass.trace?[Self.weightsName])
    }

    /// `[images, heads, rows, length]` → a row for each image and row, with its heads one behind another.
    private func joinHeads(_ values: [Float], into target: Matrix) {
        forEachPiece(of: target) { row, column, length, first in
            values.withUnsafeBufferPointer { values in
                guard let start = values.baseAddress else { return }
                (target.start + row * target.stride + column).update(from: start + first, count: length)
            }
        }
    }

    private func splitHeads(_ source: Matrix) -> FloatTensor {
        var result = FloatTensor(zeros: outputShape)
        result.values.withUnsafeMutableBufferPointer { values in
            guard let start = values.baseAddress else { return }
            forEachPiece(of: source) { row, column, length, first in
                (start + first).update(from: source.start + row * source.stride + column, count: length)
            }
        }
        return result
    }

    /// Each head's piece of each row: where it stands in the matrix, and where in `[images, heads, rows, length]`.
    private func forEachPiece(
        of matrix: Matrix, _ body: (_ row: Int, _ column: Int, _ length: Int, _ first: Int) -> Void
    ) {
        let (rows, length) = (matrix.rowCount / images, matrix.columnCount / heads)
        for image in 0..<images {
            for head in 0..<heads {
                for row in 0..<rows {
                    body(
                        image * rows + row, head * length, length,
                        ((image * heads + head) * rows + row) * length)
                }
            }
        }
    }
}
