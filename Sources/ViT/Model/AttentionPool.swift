import Layers
import TensorCore

/// A learned query attends to all patches; an MLP follows (timm's `AttentionPoolLatent`, big_vision's MAP head).
struct AttentionPool: Sendable {
    let latent: Parameter
    let positions: Parameter?
    let query: Linear
    let keysAndValues: Linear
    let projection: Linear
    let norm: LayerNorm
    let mlp: Mlp
    let heads: Int

    init(_ name: String, _ parameters: ParameterSource, _ configuration: ViTConfiguration) throws {
        let epsilon = Float(configuration.layerNormEpsilon)
        latent = try parameters.parameter("\(name).latent")
        positions = try parameters.optional("\(name).pos_embed")
        query = try parameters.linear("\(name).q")
        keysAndValues = try parameters.linear("\(name).kv")
        projection = try parameters.linear("\(name).proj")
        norm = try parameters.norm("\(name).norm", epsilon: epsilon)
        mlp = try Mlp(
            "\(name).mlp", parameters, kind: .plain, hidden: configuration.poolHidden,
            activation: configuration.activation, epsilon: epsilon)
        heads = configuration.heads
    }

    /// Patches [B · patches, width], which may be written to, → target [B, width].
    func callAsFunction(_ patches: Matrix, into target: Matrix, _ pass: ForwardPass) {
        let (batch, width) = (pass.batch, patches.columnCount)
        let patchCount = patches.rowCount / max(1, batch)
        if let positions = positions?.matrix {
            Parallel.forEach(batch) { image in
                Kernels.add(positions, to: patches.rows(image * patchCount..<(image + 1) * patchCount))
            }
        }
        // The latent is the same for every image, and so is its query.
        let queries = pass.workspace.matrix(.branch, rows: batch, columns: width)
        query(latent.matrix, into: queries.rows(0..<1))
        for image in 1..<max(1, batch) {
            queries.rows(image..<image + 1).start.update(from: queries.start, count: width)
        }
        pass.keep("attn_pool.q", queries)
        let both = pass.workspace.matrix(.qkv, rows: patches.rowCount, columns: 2 * width)
        keysAndValues(patches, into: both)
        pass.keep("attn_pool.kv", both)

        let attended = pass.workspace.matrix(.attended, rows: batch, columns: width)
        ScaledDotProduct(heads: heads, scale: Float(1 / Double(width / heads).squareRoot())).attend(
            queries, both.columns(0..<width), both.columns(width..<2 * width), into: attended,
            name: "attn_pool.attn_drop", pass)
        projection(attended, into: target)
        pass.keep("attn_pool.proj", target)
        // x + mlp(norm(x))
        let normed = pass.workspace.matrix(.normed, rows: batch, columns: width)
        norm(target, into: normed)
        pass.keep("attn_pool.norm", normed)
        mlp(normed, addingTo: target, pass)
        pass.keepFeatures("attn_pool", target)
    }
}
