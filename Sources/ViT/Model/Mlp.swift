import Layers
import TensorCore

/// fc2(activation(fc1(x))), or a gated form of it (SwiGLU, arXiv 2002.05202).
struct Mlp: Sendable {
    /// The map into the hidden space.
    enum Expansion: Sendable {
        case plain(Linear, Kernels.Activation)
        case packed(Linear)
        case gated(gate: Linear, value: Linear)
    }

    let name: String
    let expansion: Expansion
    let norm: LayerNorm?
    let contraction: BranchEnd
    let hidden: Int

    init(
        _ name: String, _ parameters: ParameterSource, kind: ViTConfiguration.MLPKind, hidden: Int,
        activation: Kernels.Activation, epsilon: Float, scale: String? = nil, path: String = ""
    ) throws {
        self.name = name
        self.hidden = hidden
        switch kind {
        case .plain: expansion = .plain(try parameters.linear("\(name).fc1"), activation)
        case .swiGLUPacked: expansion = .packed(try parameters.linear("\(name).fc1"))
        case .swiGLU:
            expansion = .gated(
                gate: try parameters.linear("\(name).fc1_g"), value: try parameters.linear("\(name).fc1_x"))
        }
        norm = try parameters.optionalNorm("\(name).norm", epsilon: epsilon)
        contraction = try BranchEnd(
            parameters, linear: "\(name).fc2", branch: name, scale: scale, dropout: "\(name).drop2",
            path: path)
    }

    /// residual ← residual + ls(mlp(x))
    func callAsFunction(_ x: Matrix, addingTo residual: Matrix, _ pass: ForwardPass) {
        let hidden = expand(x, pass)
        pass.drop("\(name).drop1", hidden)
        if let norm {
            norm(hidden, into: hidden)
            pass.keep("\(name).norm", hidden)
        }
        contraction(hidden, addingTo: residual, pass)
    }

    private func expand(_ x: Matrix, _ pass: ForwardPass) -> Matrix {
        let target = pass.workspace.matrix(.hidden, rows: x.rowCount, columns: hidden)
        switch expansion {
        case .plain(let fc1, let activation):
            if pass.traces(["\(name).fc1"]) {
                fc1(x, into: target)
                pass.keep("\(name).fc1", target)
                activate(target, activation)
            } else {
                fc1(x, into: target, then: activation)
            }
            pass.keep("\(name).act", target)
        case .packed(let fc1):
            let both = pass.workspace.matrix(.gate, rows: x.rowCount, columns: 2 * hidden)
            fc1(x, into: both)
            pass.keep("\(name).fc1", both)
            gate(by: both.columns(0..<hidden), both.columns(hidden..<2 * hidden), into: target, pass)
        case .gated(let gate, let value):
            let gates = pass.workspace.matrix(.gate, rows: x.rowCount, columns: hidden)
            gate(x, into: gates)
            pass.keep("\(name).fc1_g", gates)
            value(x, into: target)
            pass.keep("\(name).fc1_x", target)
            self.gate(by: gates, target, into: target, pass)
        }
        return target
    }

    private func activate(_ x: Matrix, _ activation: Kernels.Activation) {
        Kernels.forEachRows(x.rowCount, columns: x.columnCount) { rows in
            Kernels.activate(x.rows(rows), activation)
        }
    }

    /// target ← silu(gate) · value
    private func gate(by gates: Matrix, _ values: Matrix, into target: Matrix, _ pass: ForwardPass) {
        Kernels.forEachRows(target.rowCount, columns: target.columnCount) { rows in
            Kernels.gateBySiLU(gates.rows(rows), values.rows(rows), into: target.rows(rows))
        }
        if pass.traces(["\(name).act"]) {
            activate(gates, .silu)
            pass.keep("\(name).act", gates)
        }
    }
}
