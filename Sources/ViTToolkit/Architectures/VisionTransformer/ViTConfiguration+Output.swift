import TensorCore
import ViT
import WeightMapping

extension ViTConfiguration {
    package func prepare(
        _ parameters: [NamedTensor], for scheme: NamingScheme
    ) throws -> (parameters: [NamedTensor], remarks: [String]) {
        try proveComputed(by: scheme)
        guard let rows = try positionRows(missingFor: scheme) else { return (parameters, []) }
        let remark =
            "the models of \(scheme.name) have positions for \(rows.count) more of the tokens in front of the "
            + "patches: they are written as zeros"
        return (try Self.widened(parameters, byZeros: rows), [remark])
    }

    package func sidecars(in scheme: NamingScheme) throws -> [OutputLocation.Sidecar] {
        guard let json = try HuggingFaceConfiguration.json(for: self, scheme: scheme.name) else { return [] }
        let preprocessor = HuggingFaceConfiguration.preprocessor(for: self)
        return [OutputLocation.Sidecar(name: "config.json", json: json)]
            + (preprocessor.map { [.init(name: "preprocessor_config.json", json: $0)] } ?? [])
    }

    /// A framework that would compute something else from the same tensors does not get them.
    private func proveComputed(by scheme: NamingScheme) throws {
        let conventions = scheme.conventions
        let poolings = classes > 0 ? conventions.poolings : conventions.headlessPoolings
        if let poolings, !poolings.contains(pooling.rawValue) {
            throw ToolkitError.impossible(
                "the models of \(scheme.name) make their features by \(poolings.joined(separator: " or ")), "
                    + "this one by \(pooling.rawValue): they would compute something else")
        }
        if classToken, [.average, .attention].contains(pooling), !conventions.poolsBesideClassToken {
            throw ToolkitError.impossible(
                "the models of \(scheme.name) make their features of the patches only where there is no class "
                    + "token: they would compute something else")
        }
        if let mlps = conventions.mlps, !mlps.contains(mlp.rawValue) {
            throw ToolkitError.impossible(
                "the MLPs of \(scheme.name) are \(mlps.joined(separator: " or ")), those of this model "
                    + "\(mlp.rawValue): they would compute something else")
        }
    }

    /// The rows of the position embedding that the framework's models have and this one lacks; nil for none.
    ///
    /// A token without a position computes what one with a position of zeros does.
    ///
    /// - Throws: `ToolkitError.impossible` when the framework gives positions to fewer tokens.
    private func positionRows(missingFor scheme: NamingScheme) throws -> Range<Int>? {
        guard let positions = scheme.conventions.positions else { return nil }
        let count = positionPrefixCount
        // Without registers, or without any tokens in front of the patches, several words mean the same.
        let counts = positions.map { word in
            var other = self
            other.positions = ViTConfiguration.Positions(rawValue: word) ?? self.positions
            return other.positionPrefixCount
        }
        guard let wanted = counts.filter({ $0 >= count }).min() else {
            throw ToolkitError.impossible(
                "the models of \(scheme.name) give positions to \(positions.joined(separator: " or ")), "
                    + "this one to \(self.positions.rawValue): they would compute something else")
        }
        return wanted > count ? count..<wanted : nil
    }

    private static func widened(
        _ parameters: [NamedTensor], byZeros rows: Range<Int>
    ) throws -> [NamedTensor] {
        try parameters.map { parameter in
            guard parameter.name == "pos_embed" else { return parameter }
            return NamedTensor(parameter.name, try parameter.view.insertingZeros(axis: 1, rows))
        }
    }

    /// What the framework's model has to be told, because no tensor says it.
    package func remarks(on scheme: NamingScheme) -> [String] {
        var remarks: [String] = []
        if let usual = scheme.conventions.gelu, mlp == .plain, usual.rawValue != gelu.rawValue {
            remarks.append(
                "this model's GELU is \(gelu.rawValue), while the models of \(scheme.name) compute "
                    + "the form \(usual.rawValue) unless told otherwise")
        }
        if let epsilon = scheme.conventions.layerNormEpsilon, epsilon != layerNormEpsilon {
            remarks.append(
                "this model's LayerNorm epsilon is \(layerNormEpsilon), while the models of "
                    + "\(scheme.name) have \(epsilon) unless told otherwise")
        }
        if HuggingFaceConfiguration.knows(scheme.name) {
            remarks.append("from_pretrained wants a folder with a config.json: OUT may name one")
        }
        return remarks
    }
}
