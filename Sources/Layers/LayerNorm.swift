/// Normalises each row to mean 0 and variance 1, then scales and shifts it (Ba et al., arXiv 1607.06450).
package struct LayerNorm: Sendable {
    let weight: Parameter
    let bias: Parameter
    let epsilon: Float

    package init(weight: Parameter, bias: Parameter, epsilon: Float) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// target ← norm(x), rows spread over the cores; target may be x.
    package func callAsFunction(_ x: Matrix, into target: Matrix) {
        Kernels.forEachRows(x.rowCount, columns: x.columnCount) { rows in
            alone(x.rows(rows), into: target.rows(rows))
        }
    }

    /// The same on the calling thread.
    package func alone(_ x: Matrix, into target: Matrix) {
        Kernels.layerNorm(x, weight: weight.values, bias: bias.values, epsilon: epsilon, into: target)
    }
}
