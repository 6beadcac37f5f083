import TensorCore

/// Multi-head attention: softmax(q kᵀ · scale + mask) v, heads joined and projected (Vaswani et al. 2017).
package struct Attention: Sendable {
    let name: String
    let qkv: Linear
    let queryNorm: LayerNorm?
    let keyNorm: LayerNorm?
    let projection: BranchEnd
    let heads: Int
    let scale: Float

    /// - Parameters:
    ///   - name: what stands in front of the names of what it keeps for a trace.
    ///   - qkv: one map to queries, keys and values, `[3 · width, width]`.
    ///   - scale: the factor of the scores.
    package init(
        _ name: String, qkv: Linear, queryNorm: LayerNorm? = nil, keyNorm: LayerNorm? = nil,
        projection: BranchEnd, heads: Int, scale: Float
    ) {
        self.name = name
        self.qkv = qkv
        self.queryNorm = queryNorm
        self.keyNorm = keyNorm
        self.projection = projection
        self.heads = heads
        self.scale = scale
    }

    /// residual ← residual + ls(proj(attention(x))), for x [B · tokens, width].
    package func callAsFunction(
        _ x: Matrix, mask: AttentionMask? = nil, addingTo residual: Matrix, _ pass: ForwardPass
    ) {
        let width = x.columnCount
        let qkv = pass.workspace.matrix(.qkv, rows: x.rowCount, columns: 3 * width)
        self.qkv(x, into: qkv)
        pass.keep("\(name).qkv", qkv)
        let queries = qkv.columns(0..<width)
        let keys = qkv.columns(width..<2 * width)
        let values = qkv.columns(2 * width..<3 * width)
        if let queryNorm, let keyNorm {
            normalise(queries, queryNorm)
            pass.keepHeads("\(name).q_norm", queries, heads: heads)
            normalise(keys, keyNorm)
            pass.keepHeads("\(name).k_norm", keys, heads: heads)
        }
        let attended = pass.workspace.matrix(.attended, rows: x.rowCount, columns: width)
        ScaledDotProduct(heads: heads, scale: scale).attend(
            queries, keys, values, mask: mask ?? pass.mask, into: attended, name: "\(name).attn_drop", pass)
        projection(attended, addingTo: residual, pass)
    }

    /// The same for other tokens that ask those of x: some of x itself, or another sequence (cross-attention).
    ///
    /// `asking` are their rows, `residual` theirs of the residual stream, as many for each image.
    package func callAsFunction(
        _ x: Matrix, asking: Matrix, mask: AttentionMask? = nil, addingTo residual: Matrix,
        _ pass: ForwardPass
    ) {
        let width = x.columnCount
        let queries = pass.workspace.matrix(.queries, rows: asking.rowCount, columns: width)
        qkv(asking, into: queries, outputs: 0..<width)
        let both = pass.workspace.matrix(.qkv, rows: x.rowCount, columns: 2 * width)
        qkv(x, into: both, outputs: width..<3 * width)
        let (keys, values) = (both.columns(0..<width), both.columns(width..<2 * width))
        if let queryNorm, let keyNorm {
            normalise(queries, queryNorm)
            normalise(keys, keyNorm)
        }
        let attended = pass.workspace.matrix(.attended, rows: asking.rowCount, columns: width)
        ScaledDotProduct(heads: heads, scale: scale).attend(
            queries, keys, values, mask: mask ?? pass.mask, into: attended, name: "\(name).attn_drop", pass)
        projection(attended, addingTo: residual, pass)
    }

    private func normalise(_ x: Matrix, _ norm: LayerNorm) {
        let length = x.columnCount / heads
        Kernels.forEachRows(x.rowCount, columns: x.columnCount) { [heads] rows in
            for head in 0..<heads {
                let part = x.rows(rows).columns(head * length..<(head + 1) * length)
                norm.alone(part, into: part)
            }
        }
    }
}
