import Layers

extension Attention {
    /// A block's self-attention, with the parameters below `name` and a layer scale where the model has one.
    init(
        _ name: String, _ parameters: ParameterSource, _ configuration: ViTConfiguration,
        scale layerScale: String?, path: String
    ) throws {
        let epsilon = Float(configuration.layerNormEpsilon)
        self.init(
            name, qkv: try parameters.linear("\(name).qkv"),
            queryNorm: try parameters.optionalNorm("\(name).q_norm", epsilon: epsilon),
            keyNorm: try parameters.optionalNorm("\(name).k_norm", epsilon: epsilon),
            projection: try BranchEnd(
                parameters, linear: "\(name).proj", branch: name, scale: layerScale,
                dropout: "\(name).proj_drop", path: path),
            heads: configuration.heads,
            scale: Float(configuration.qkScale ?? 1 / Double(configuration.headWidth).squareRoot()))
    }
}
