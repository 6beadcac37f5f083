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
        _ parameters: [NamedTensor], _ configuration: some ModelConfiguration, to location: OutputLocation,
        _ form: OutputForm
    ) throws {
        let scheme = try form.namingScheme(for: type(of: configuration))
        self.scheme = scheme
        format = location.format
        isCompressed = form.isCompressed
        guard !isCompressed || format == .npz else {
            throw ToolkitError.usage(
                "of the containers that are written only .npz has a compressed form")
        }
        sidecars = location.isModelFolder ? try configuration.sidecars(in: scheme) : []
        guard form.rules != nil || scheme.name != type(of: configuration).schemes[0].name else {
            tensors = parameters
            remarks = []
            return
        }
        guard format != .swt else {
            throw ToolkitError.usage(
                "an .swt file holds canonical names only: for those of \(scheme.name) choose another ending")
        }
        let (prepared, changes) = try configuration.prepare(parameters, for: scheme)
        tensors = try SchemeWriter.write(prepared, in: scheme, lengths: configuration.lengths)
        // A config.json beside the tensors says the rest.
        remarks = changes + (sidecars.isEmpty ? configuration.remarks(on: scheme) : [])
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
}
