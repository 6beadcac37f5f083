import Layers
import TensorCore

/// Puts the class token, the distillation token and the registers in front of the patches, and adds positions.
struct TokenEmbedding: Sendable {
    let prefix: [Parameter]
    let positions: Parameter
    /// How many prefix tokens have a row in the position embedding.
    let positionPrefixCount: Int

    init(_ parameters: ParameterSource, _ configuration: ViTConfiguration) throws {
        prefix = try ["cls_token", "dist_token", "reg_token"].compactMap { try parameters.optional($0) }
        positions = try parameters.parameter("pos_embed")
        positionPrefixCount = configuration.positionPrefixCount
    }

    /// Patches [B · patches, width] → tokens [B · tokens, width].
    func callAsFunction(_ patches: Matrix, _ pass: ForwardPass) -> Matrix {
        let width = patches.columnCount
        let patchCount = patches.rowCount / max(1, pass.batch)
        let prefixRows = prefix.map(\.matrix)
        let prefixCount = prefixRows.reduce(0) { $0 + $1.rowCount }
        let tokenCount = prefixCount + patchCount
        let tokens = pass.workspace.matrix(.tokens, rows: pass.batch * tokenCount, columns: width)
        let (positions, positionPrefixCount) = (positions.matrix, positionPrefixCount)
        Parallel.forEach(pass.batch) { image in
            let target = tokens.rows(image * tokenCount..<(image + 1) * tokenCount)
            var next = target.start
            for rows in prefixRows {
                next.update(from: rows.start, count: rows.rowCount * width)
                next += rows.rowCount * width
            }
            next.update(from: patches.start + image * patchCount * width, count: patchCount * width)
            Kernels.add(positions.rows(0..<positionPrefixCount), to: target.rows(0..<positionPrefixCount))
            Kernels.add(
                positions.rows(positionPrefixCount..<positionPrefixCount + patchCount),
                to: target.rows(prefixCount..<prefixCount + patchCount))
        }
        pass.drop("pos_drop", tokens)
        pass.keep("pos_drop", tokens)
        return tokens
    }
}
