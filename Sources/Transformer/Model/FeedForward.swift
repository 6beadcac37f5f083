import Layers

/// linear2(activation(linear1(x))), each token by itself.
struct FeedForward: Sendable {
    let name: String
    let expansion: Linear
    let activation: Kernels.Activation
    let contraction: BranchEnd

    /// - Parameters:
    ///   - name: the layer's.
    ///   - dropout: torch's name of the module through which the branch leaves.
    init(
        _ name: String, _ parameters: ParameterSource, _ configuration: TransformerConfiguration,
        dropout: String
    ) throws {
        self.name = name
        expansion = try parameters.linear("\(name).linear1")
        activation = configuration.activation.kernel
        contraction = try BranchEnd(parameters, linear: "\(name).linear2", branch: "\(name).\(dropout)")
    }

    /// residual ← residual + feedForward(x)
    func callAsFunction(_ x: Matrix, addingTo residual: Matrix, _ pass: ForwardPass) {
        let hidden = pass.workspace.matrix(.hidden, rows: x.rowCount, columns: expansion.outputCount)
        if pass.traces(["\(name).linear1"]) {
            expansion(x, into: hidden)
            pass.keep("\(name).linear1", hidden)
            Kernels.forEachRows(hidden.rowCount, columns: hidden.columnCount) { [activation] rows in
                Kernels.activate(hidden.rows(rows), activation)
            }
        } else {
            expansion(x, into: hidden, then: activation)
        }
        pass.keep("\(name).dropout", hidden)
        contraction(hidden, addingTo: residual, pass)
    }
}

extension Workspace.Role {
    static var hidden: Self { Self("hidden") }
    static var normed: Self { Self("normed") }
}

extension TransformerConfiguration.Activation {
    var kernel: Kernels.Activation {
        switch self {
        case .relu: .relu
        case .gelu: .geluErf
        case .geluTanh: .geluTanh
        case .geluQuick: .geluQuick
        }
    }
}
