import TensorCore

/// The last map of a branch, its layer scale, and the addition to the residual stream, in one go.
///
/// In training, elements are dropped behind the map, and the branch as a whole before it is added.
package struct BranchEnd: Sendable {
    let linear: Linear
    let gamma: Parameter?
    private let linearName: String
    private let moduleName: String?
    private let branchName: String
    private let scaleName: String
    private let dropName: String
    private let pathName: String

    /// - Parameters:
    ///   - module: the name of a module around the linear map that puts out the same.
    ///   - dropout: the name of the module that drops elements, if any does.
    ///   - path: the name of the module that drops the branch.
    package init(
        _ parameters: ParameterSource, linear: String, module: String? = nil, branch: String,
        scale: String? = nil, dropout: String = "", path: String = ""
    ) throws {
        self.linear = try parameters.linear(linear)
        gamma = try scale.flatMap { try parameters.optional("\($0).gamma") }
        linearName = linear
        moduleName = module
        branchName = branch
        scaleName = scale ?? ""
        dropName = dropout
        pathName = path
    }

    /// residual ← residual + gamma · linear(x)
    package func callAsFunction(_ x: Matrix, addingTo residual: Matrix, _ pass: ForwardPass) {
        let scratch = pass.workspace.matrix(.branch, rows: residual.rowCount, columns: residual.columnCount)
        guard pass.isTraining || pass.traces([linearName, moduleName ?? "", branchName, scaleName]) else {
            linear(x, addingTo: residual, scaledBy: gamma, scratch: scratch)
            return
        }
        // The same roundings one step at a time.
        linear(x, into: scratch)
        pass.keep(linearName, scratch)
        if let moduleName { pass.keep(moduleName, scratch) }
        pass.drop(dropName, scratch)
        pass.keep(branchName, scratch)
        if let gamma {
            Kernels.scaleColumns(scratch, by: gamma.values)
            pass.keep(scaleName, scratch)
        }
        pass.dropPath(pathName, scratch)
        Kernels.add(scratch, to: residual)
    }
}
