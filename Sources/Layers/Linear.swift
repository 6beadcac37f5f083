/// A linear map, y = x Wᵀ + b, with the weight as torch stores it: `[outputs, inputs]`.
package struct Linear: Sendable {
    let weight: Parameter
    let bias: Parameter?

    package init(weight: Parameter, bias: Parameter?) {
        self.weight = weight
        self.bias = bias
    }

    package var outputCount: Int { weight.shape.dimensions.first ?? 0 }

    private var weightMatrix: Matrix {
        // A convolution's weight [outputs, channels, height, width] is a map of whole patches.
        let inputs = outputCount > 0 ? weight.shape.elementCount / outputCount : 0
        return Matrix(UnsafeMutablePointer(mutating: weight.values), rows: outputCount, columns: inputs)
    }

    /// target ← activation(x Wᵀ + b); of the outputs those in `outputs` alone, where it is given.
    package func callAsFunction(
        _ x: Matrix, into target: Matrix, outputs: Range<Int>? = nil,
        then activation: Kernels.Activation = .identity
    ) {
        let outputs = outputs ?? 0..<outputCount
        MatrixProduct.spread(x, transposed: weightMatrix.rows(outputs), into: target) { tile in
            Kernels.activate(
                target.rows(tile.rows).columns(tile.columns),
                bias: bias.map { $0.values + outputs.lowerBound + tile.columns.lowerBound },
                activation)
        }
    }

    /// residual ← residual + gamma · (x Wᵀ + b), with `scratch` as large as the residual.
    package func callAsFunction(
        _ x: Matrix, addingTo residual: Matrix, scaledBy gamma: Parameter?, scratch: Matrix
    ) {
        MatrixProduct.spread(x, transposed: weightMatrix, into: scratch) { tile in
            Kernels.add(
                scratch.rows(tile.rows).columns(tile.columns),
                bias: bias.map { $0.values + tile.columns.lowerBound },
                gamma: gamma.map { $0.values + tile.columns.lowerBound },
                to: residual.rows(tile.rows).columns(tile.columns))
        }
    }
}
