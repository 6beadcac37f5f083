import Checkpoints
import TensorCore
import ViT
import WeightMapping

/// A model on its way out: its tensors in a scheme's names and layouts, and the container they go into.
package struct OutgoingModel {
    package let format: OutputFormat
    package let scheme: NamingScheme
    /// The tensors as they are written.
    package let tensors: [NamedTensor]
    /// What the user should hear: what names and numbers do not carry over.
    package let remarks: [String]
    /// What is written beside the tensors, where these go into a folder.
    let sidecars: [OutputLocation.Sidecar]
    private let isCompressed: Bool

    /// - Parameter parameters: under canonical names, in the model's order.
    /// - Throws: `MappingError.unwritable` when the scheme has no place for a parameter; `ToolkitError` when
    ///   the scheme's models compute something else, or an `.swt` is asked for in other names than canonical.
    init(
        _ parameters: [NamedTensor], _ configuration: ViTConfiguration, to location: OutputLocation,
        _ form: OutputForm
    ) throws {
        let scheme = try form.namingScheme
        self.scheme = scheme
        format = location.format
        isCompressed = form.isCompressed
        guard !isCompressed || format == .npz else {
            throw ToolkitError.usage(
                "of the containers that are written only .npz has a compressed form")
        }
        sidecars = location.isModelFolder ? try OutputLocation.sidecars(of: configuration, in: scheme) : []
        guard form.rules != nil || scheme.name != NamingScheme.timm.name else {
            tensors = parameters
            remarks = []
            return
        }
        guard format != .swt else {
            throw ToolkitError.usage(
                "an .swt file holds canonical names only: for those of \(scheme.name) choose another ending")
        }
        try Self.prove(scheme, computes: configuration)
        let rows = try Self.positionRows(missingFor: scheme, configuration)
        tensors = try SchemeWriter.write(
            try Self.widened(parameters, byZeros: rows), in: scheme,
            lengths: ["H": configuration.heads, "C": configuration.channels])
        let widening = rows.map {
            "the models of \(scheme.name) have positions for \($0.count) more of the tokens in front of the "
                + "patches: they are written as zeros"
        }
        // A config.json beside the tensors says the rest.
        remarks =
            (widening.map { [$0] } ?? []) + (sidecars.isEmpty ? Self.remarks(on: scheme, configuration) : [])
    }

    /// Writes the container.
    ///
    /// - Parameter metadata: what an `.swt` says about itself.
    func write(to file: AtomicFile, metadata: [(key: String, value: String)]) throws {
        let task = Progress.begin(
            "writing \(file.path)", of: tensors.reduce(0) { $0 + $1.view.byteCount })
        file.tell(task)
        defer {
            file.tell(nil)
            task?.end()
        }
        switch format {
        case .npz: try NpzWriter.write(tensors, to: file, compressed: isCompressed)
        case .torch: try TorchZipWriter.write(tensors, to: file)
        case .hdf5: try HDF5Writer.write(tensors, layout: hdf5Layout, to: file)
        case .safetensors: try SafetensorsWriter.write(tensors, metadata: [("format", "pt")], to: file)
        case .swt: try SafetensorsWriter.write(tensors, metadata: metadata, to: file)
        }
    }

    private var hdf5Layout: HDF5Writer.Layout {
        if tensors.allSatisfy({ $0.name.contains("/vars/") }) { return .keras3() }
        // Keras's older layout is the one that is loaded by order.
        guard !scheme.order.isEmpty else { return .plain }
        return .legacy(backend: "tensorflow", kerasVersion: "2.15.0")
    }

    /// A framework that would compute something else from the same tensors does not get them.
    private static func prove(_ scheme: NamingScheme, computes configuration: ViTConfiguration) throws {
        let conventions = scheme.conventions
        let poolings = configuration.classes > 0 ? conventions.poolings : conventions.headlessPoolings
        if let poolings, !poolings.contains(configuration.pooling.rawValue) {
            throw ToolkitError.impossible(
                "the models of \(scheme.name) make their features by \(poolings.joined(separator: " or ")), "
                    + "this one by \(configuration.pooling.rawValue): they would compute something else")
        }
        if configuration.classToken, [.average, .attention].contains(configuration.pooling),
            !conventions.poolsBesideClassToken
        {
            throw ToolkitError.impossible(
                "the models of \(scheme.name) make their features of the patches only where there is no class "
                    + "token: they would compute something else")
        }
        if let mlps = conventions.mlps, !mlps.contains(configuration.mlp.rawValue) {
            throw ToolkitError.impossible(
                "the MLPs of \(scheme.name) are \(mlps.joined(separator: " or ")), those of this model "
                    + "\(configuration.mlp.rawValue): they would compute something else")
        }
    }

    /// The rows of the position embedding that the framework's models have and this one lacks; nil for none.
    ///
    /// A token without a position computes what one with a position of zeros does.
    ///
    /// - Throws: `ToolkitError.impossible` when the framework gives positions to fewer tokens.
    private static func positionRows(
        missingFor scheme: NamingScheme, _ configuration: ViTConfiguration
    ) throws -> Range<Int>? {
        guard let positions = scheme.conventions.positions else { return nil }
        let count = configuration.positionPrefixCount
        // Without registers, or without any tokens in front of the patches, several words mean the same.
        let counts = positions.map { word in
            var other = configuration
            other.positions = ViTConfiguration.Positions(rawValue: word) ?? configuration.positions
            return other.positionPrefixCount
        }
        guard let wanted = counts.filter({ $0 >= count }).min() else {
            throw ToolkitError.impossible(
                "the models of \(scheme.name) give positions to \(positions.joined(separator: " or ")), "
                    + "this one to \(configuration.positions.rawValue): they would compute something else")
        }
        return wanted > count ? count..<wanted : nil
    }

    private static func widened(
        _ parameters: [NamedTensor], byZeros rows: Range<Int>?
    ) throws -> [NamedTensor] {
        guard let rows else { return parameters }
        return try parameters.map { parameter in
            guard parameter.name == "pos_embed" else { return parameter }
            return NamedTensor(parameter.name, try parameter.view.insertingZeros(axis: 1, rows))
        }
    }

    /// What the framework's model has to be told, because no tensor says it.
    private static func remarks(on scheme: NamingScheme, _ configuration: ViTConfiguration) -> [String] {
        var remarks: [String] = []
        if let gelu = scheme.conventions.gelu, configuration.mlp == .plain,
            gelu.rawValue != configuration.gelu.rawValue
        {
            remarks.append(
                "this model's GELU is \(configuration.gelu.rawValue), while the models of \(scheme.name) compute "
                    + "the form \(gelu.rawValue) unless told otherwise")
        }
        if let epsilon = scheme.conventions.layerNormEpsilon, epsilon != configuration.layerNormEpsilon {
            remarks.append(
                "this model's LayerNorm epsilon is \(configuration.layerNormEpsilon), while the models of "
                    + "\(scheme.name) have \(epsilon) unless told otherwise")
        }
        if HuggingFaceConfiguration.knows(scheme.name) {
            remarks.append("from_pretrained wants a folder with a config.json: OUT may name one")
        }
        return remarks
    }
}
