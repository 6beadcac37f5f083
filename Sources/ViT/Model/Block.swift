import Layers

/// One layer of the encoder: x + attention(norm1(x)), then x + mlp(norm2(x)).
struct Block: Sendable {
    let name: String
    let norm1: LayerNorm
    let attention: Attention
    let norm2: LayerNorm
    let mlp: Mlp

    init(_ name: String, _ parameters: ParameterSource, _ configuration: ViTConfiguration) throws {
        let epsilon = Float(configuration.layerNormEpsilon)
        self.name = name
        norm1 = try parameters.norm("\(name).norm1", epsilon: epsilon)
        attention = try Attention(
            "\(name).attn", parameters, configuration, scale: "\(name).ls1", path: "\(name).drop_path1")
        norm2 = try parameters.norm("\(name).norm2", epsilon: epsilon)
        mlp = try Mlp(
            "\(name).mlp", parameters, kind: configuration.mlp, hidden: configuration.hidden,
            activation: configuration.activation, epsilon: epsilon, scale: "\(name).ls2",
            path: "\(name).drop_path2")
    }

    /// x ← block(x), for tokens [B · tokens, width].
    func callAsFunction(_ x: Matrix, _ pass: ForwardPass) {
        let normed = pass.workspace.matrix(.normed, rows: x.rowCount, columns: x.columnCount)
        // x + ls1(attention(norm1(x)))
        norm1(x, into: normed)
        pass.keep("\(name).norm1", normed)
        attention(normed, addingTo: x, pass)
        // x + ls2(mlp(norm2(x)))
        norm2(x, into: normed)
        pass.keep("\(name).norm2", normed)
        mlp(normed, addingTo: x, pass)
        pass.keep(name, x)
    }

    /// leading ← block(x) for the first tokens of each image, whose rows of x they are; x stays.
    ///
    /// Where the class token alone goes on, the others are needed for their keys and values, and no further.
    func callAsFunction(_ x: Matrix, leading: Matrix, _ pass: ForwardPass) {
        let silent = ForwardPass(batch: pass.batch, workspace: pass.workspace, trace: nil, mask: pass.mask)
        let normed = pass.workspace.matrix(.normed, rows: x.rowCount, columns: x.columnCount)
        norm1(x, into: normed)
        let branch = pass.workspace.matrix(
            .leadingNormed, rows: leading.rowCount, columns: leading.columnCount)
        let images = max(1, pass.batch)
        normed.copyLeadingRows(leading.rowCount / images, of: x.rowCount / images, into: branch)
        attention(normed, asking: branch, addingTo: leading, silent)
        norm2(leading, into: branch)
        mlp(branch, addingTo: leading, silent)
    }
}

extension ViTConfiguration {
    /// The activation of plain MLPs; a gated model has SiLU there too.
    var activation: Kernels.Activation {
        guard mlp == .plain else { return .silu }
        return switch gelu {
        case .exact: .geluErf
        case .tanh: .geluTanh
        case .quick: .geluQuick
        }
    }
}
