import TensorCore

/// What the parts of a model share while one batch passes through: its size, scratch memory, the trace, the mask, and in
/// training mode what is dropped.
package final class ForwardPass {
    package let batch: Int
    package let workspace: Workspace
    package private(set) var trace: ActivationTrace?
    /// What self-attention adds to its scores.
    package let mask: AttentionMask?
    /// What is dropped in training mode; nil in evaluation.
    package let dropout: (any DropoutSource)?

    package init(
        batch: Int, workspace: Workspace, trace: ActivationTrace?, mask: AttentionMask? = nil,
        dropout: (any DropoutSource)? = nil
    ) {
        self.batch = batch
        self.workspace = workspace
        self.trace = trace
        self.mask = mask
        self.dropout = dropout
    }

    package var isTraced: Bool { trace != nil }

    /// Whether anybody wants one of these activations; false at once without a trace.
    package func traces(_ names: @autoclosure () -> [String]) -> Bool {
        guard let trace else { return false }
        return names().contains(where: trace.wants)
    }

    /// Keeps a matrix under a name if it is wanted; its rows are the batch's, image by image, unless `shape`
    /// says otherwise.
    package func keep(
        _ name: @autoclosure () -> String, _ matrix: @autoclosure () -> Matrix, shape: [Int]? = nil
    ) {
        guard trace != nil else { return }
        let name = name()
        guard trace?.wants(name) == true else { return }
        let matrix = matrix()
        let shape = shape ?? [batch, matrix.rowCount / max(1, batch), matrix.columnCount]
        var tensor = FloatTensor(zeros: Shape(unchecked: shape))
        tensor.values.withUnsafeMutableBufferPointer { values in
            guard let start = values.baseAddress else { return }
            for row in 0..<matrix.rowCount {
                (start + row * matrix.columnCount).update(
                    from: matrix.start + row * matrix.stride, count: matrix.columnCount)
            }
        }
        trace?.append(name, tensor)
    }

    /// Keeps a matrix of one row per image as `[batch, columns]`.
    package func keepFeatures(_ name: @autoclosure () -> String, _ matrix: Matrix) {
        keep(name(), matrix, shape: [matrix.rowCount, matrix.columnCount])
    }

    /// Keeps `[tokens of the batch, heads · head]` as `[batch, heads, tokens, head]` if it is wanted.
    package func keepHeads(_ name: @autoclosure () -> String, _ matrix: Matrix, heads: Int) {
        guard trace != nil, traces([name()]) else { return }
        let (count, length) = (matrix.rowCount / max(1, batch), matrix.columnCount / heads)
        var tensor = FloatTensor(zeros: Shape(unchecked: [batch, heads, count, length]))
        tensor.values.withUnsafeMutableBufferPointer { values in
            guard var target = values.baseAddress else { return }
            for image in 0..<batch {
                for head in 0..<heads {
                    for token in 0..<count {
                        let row = matrix.start + (image * count + token) * matrix.stride
                        target.update(from: row + head * length, count: length)
                        target += length
                    }
                }
            }
        }
        trace?.append(name(), tensor)
    }

    package func keep(_ name: String, _ tensor: FloatTensor) {
        guard trace?.wants(name) == true else { return }
        trace?.append(name, tensor)
    }
}
