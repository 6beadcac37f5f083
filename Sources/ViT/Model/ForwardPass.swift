import TensorCore

/// What the parts of the model share while one batch passes through: its sizes, scratch memory and the trace.
final class ForwardPass {
    let batch: Int
    let tokenCount: Int
    let workspace: Workspace
    private(set) var trace: ActivationTrace?

    init(batch: Int, tokenCount: Int, workspace: Workspace, trace: ActivationTrace?) {
        self.batch = batch
        self.tokenCount = tokenCount
        self.workspace = workspace
        self.trace = trace
    }

    var isTraced: Bool { trace != nil }

    /// Whether anybody wants one of these activations; false at once without a trace.
    func traces(_ names: @autoclosure () -> [String]) -> Bool {
        guard let trace else { return false }
        return names().contains(where: trace.wants)
    }

    /// Keeps a matrix under a name if it is wanted; its rows are the batch's, image by image, unless `shape`
    /// says otherwise.
    func keep(_ name: @autoclosure () -> String, _ matrix: @autoclosure () -> Matrix, shape: [Int]? = nil) {
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
    func keepFeatures(_ name: @autoclosure () -> String, _ matrix: Matrix) {
        keep(name(), matrix, shape: [matrix.rowCount, matrix.columnCount])
    }

    /// Keeps `[tokens of the batch, heads · head]` as `[batch, heads, tokens, head]` if it is wanted.
    func keepHeads(_ name: @autoclosure () -> String, _ matrix: Matrix, heads: Int) {
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

    func keep(_ name: String, _ tensor: FloatTensor) {
        guard trace?.wants(name) == true else { return }
        trace?.append(name, tensor)
    }
}
