import Synchronization
import TensorCore

/// softmax(q kᵀ · scale + mask) v for every image and head, a block of query rows at a time.
///
/// The scores of one block stay in a core's cache; those of all heads together never exist, unless a trace
/// wants them.
package struct ScaledDotProduct: Sendable {
    let heads: Int
    let scale: Float

    package init(heads: Int, scale: Float) {
        self.heads = heads
        self.scale = scale
    }

    /// Queries [B · rows, width], keys and values [B · tokens, width] → target [B · rows, width].
    ///
    /// A mask must fit (``AttentionMask/requireFit(images:heads:queries:keys:)``); of one with more queries than
    /// there are, the first hold. In training the weights are dropped under `name`, by which a trace keeps them.
    package func attend(
        _ queries: Matrix, _ keys: Matrix, _ values: Matrix, mask: AttentionMask? = nil, into target: Matrix,
        name: String, _ pass: ForwardPass
    ) {
        let batch = max(1, pass.batch)
        let (rowCount, tokenCount) = (queries.rowCount / batch, keys.rowCount / batch)
        let blockRows = Self.blockRows(rows: rowCount, tokens: tokenCount)
        let scratch = (0..<Parallel.threadCount).map {
            pass.workspace.matrix(.scores($0), rows: blockRows, columns: tokenCount)
        }
        let factors = pass.factors(name, rows: batch * heads * rowCount, columns: tokenCount)
        guard pass.traces([name]) else {
            attend(
                queries, keys, values, batch: batch, mask: mask, dropping: factors, into: target,
                scratch: scratch, keeping: nil)
            return
        }
        var weights = FloatTensor(zeros: Shape(unchecked: [batch, heads, rowCount, tokenCount]))
        weights.values.withUnsafeMutableBufferPointer { buffer in
            let kept = buffer.baseAddress.map {
                Matrix($0, rows: batch * heads * rowCount, columns: tokenCount)
            }
            attend(
                queries, keys, values, batch: batch, mask: mask, dropping: factors, into: target,
                scratch: scratch, keeping: kept)
        }
        pass.keep(name, weights)
    }

    /// The same with the caller's memory: one matrix of scores per thread, and one for all weights if wanted.
    ///
    /// Values, and the target with them, may have another width than queries and keys. Factors multiply the weights,
    /// in the order in which these are kept.
    package func attend(
        _ queries: Matrix, _ keys: Matrix, _ values: Matrix, batch: Int, mask: AttentionMask? = nil,
        dropping factors: Matrix? = nil, into target: Matrix, scratch: [Matrix], keeping weights: Matrix?
    ) {
        let (rowCount, tokenCount) = (queries.rowCount / batch, keys.rowCount / batch)
        let (length, valueLength) = (queries.columnCount / heads, values.columnCount / heads)
        let blockRows = min(rowCount, scratch.first?.rowCount ?? rowCount)
        let blockCount = (rowCount + blockRows - 1) / blockRows
        let pool = ScratchPool(scratch)
        Parallel.forEach(batch * heads * blockCount) { index in
            let (block, head, image) = (
                index % blockCount, index / blockCount % heads, index / blockCount / heads
            )
            let buffer = pool.take(rows: blockRows, columns: tokenCount)
            defer { pool.giveBack(buffer) }
            let columns = head * length..<(head + 1) * length
            let valueColumns = head * valueLength..<(head + 1) * valueLength
            let rows = block * blockRows..<min((block + 1) * blockRows, rowCount)
            let queryRows = image * rowCount + rows.lowerBound..<image * rowCount + rows.upperBound
            let tokens = image * tokenCount..<(image + 1) * tokenCount

            let scores = buffer.rows(0..<rows.count)
            MatrixProduct.multiply(
                queries.rows(queryRows).columns(columns), keys.rows(tokens).columns(columns),
                transposingRight: true, into: scores)
            Kernels.softmax(
                scores, scale: scale, mask: mask?.rows(image: image, head: head, queries: rows))
            let first = (image * heads + head) * rowCount + rows.lowerBound
            if let factors { Kernels.multiply(scores, by: factors.rows(first..<first + rows.count)) }
            if let weights {
                weights.rows(first..<first + rows.count).start.update(
                    from: scores.start, count: rows.count * tokenCount)
            }
            MatrixProduct.multiply(
                scores, values.rows(tokens).columns(valueColumns), transposingRight: false,
                into: target.rows(queryRows).columns(valueColumns))
        }
    }

    /// How many query rows at a time: about 65,000 scores, a quarter of a megabyte, in blocks of equal size.
    package static func blockRows(rows: Int, tokens: Int) -> Int {
        let limit = max(32, 65_536 / max(1, tokens))
        let blocks = max(1, (rows + limit - 1) / limit)
        return max(1, (rows + blocks - 1) / blocks)
    }
}

/// Hands each running task a matrix of scores of its own: one of those given, or a new one.
private final class ScratchPool: Sendable {
    private struct State {
        var free: [Matrix]
        var owned: [HeapBytes] = []
    }

    private let state: Mutex<State>

    init(_ matrices: [Matrix]) {
        state = Mutex(State(free: matrices))
    }

    func take(rows: Int, columns: Int) -> Matrix {
        state.withLock { state in
            if let matrix = state.free.popLast() { return matrix }
            let bytes = HeapBytes(count: rows * columns * MemoryLayout<Float>.stride)
            state.owned.append(bytes)
            let start = bytes.buffer.bindMemory(to: Float.self).baseAddress.unsafelyUnwrapped
            return Matrix(start, rows: rows, columns: columns)
        }
    }

    func giveBack(_ matrix: Matrix) { state.withLock { $0.free.append(matrix) } }
}
