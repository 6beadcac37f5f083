import TensorCore

/// The last map of a branch, its layer scale, and the addition to the residual stream, in one go.
package struct BranchEnd: Sendable {
    let linear: Linear
    let gamma: Parameter?
    private let linearName: String
    private let branchName: String
    private let scaleName: String

    package init(_ parameters: ParameterSource, linear: String, branch: String, scale: String?) throws {
        self.linear = try parameters.linear(linear)
        gamma = try scale.flatMap { try parameters.optional("\($0).gamma") }
        linearName = linear
        branchName = branch
        scaleName = scale ?? ""
    }

    /// residual ← residual + gamma · linear(x)
    package func callAsFunction(_ x: Matrix, addingTo residual: Matrix, _ pass: ForwardPass) {
        let scratch = pass.workspace.matrix(.branch, rows: residual.rowCount, columns: residual.columnCount)
        guard pass.traces([linearName, branchName, scaleName]) else {
            linear(x, addingTo: residual, scaledBy: gamma, scratch: scratch)
            return
        }
        // The same roundings one step at a time.
        linear(x, into: scratch)
        pass.keep(linearName, scratch)
        pass.keep(branchName, scratch)
        if let gamma {
            Kernels.scaleColumns(scratch, by: gamma.values)
            pass.keep(scaleName, scratch)
        }
        Kernels.add(scratch, to: residual)
    }
}
