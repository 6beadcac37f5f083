import WeightMapping

/// A container that can be written, by the ending of a file's name.
public enum OutputFormat: Sendable, CaseIterable {
    /// Safetensors with everything that the forward pass needs; see the README.
    case swt
    /// Plain safetensors.
    case safetensors
    /// NumPy's archive of arrays.
    case npz
    /// PyTorch's zip, which holds an `OrderedDict` of tensors.
    case torch
    /// HDF5, laid out as Keras has it where the names are Keras's.
    case hdf5

    /// The endings that mean a container.
    package var endings: [String] {
        switch self {
        case .swt: [".swt"]
        case .safetensors: [".safetensors"]
        case .npz: [".npz"]
        case .torch: [".pth", ".pt", ".bin"]
        case .hdf5: [".h5"]
        }
    }

    /// - Throws: `ToolkitError.unknownOutput`.
    init(path: String) throws {
        let name = path.lowercased()
        guard let format = Self.allCases.first(where: { $0.endings.contains { name.hasSuffix($0) } }) else {
            throw ToolkitError.unknownOutput(path)
        }
        self = format
    }
}

/// In which form a model is written.
public struct OutputForm: Sendable {
    /// The naming scheme of the tensors, by name; nil for the canonical names, which are timm's and torch's.
    public var scheme: String?
    /// A naming scheme of the user's own to write in.
    package var rules: NamingScheme?
    /// The container, whatever the output's name ends in; nil leaves it to the ending.
    public var format: OutputFormat?
    /// An open descriptor to which the file goes, once it is whole, in place of a name.
    package var stream: Int32?
    /// Whether the members of an `.npz` are deflated; other containers have no such form.
    public var isCompressed = false

    /// Canonical names.
    public init() {}

    /// The scheme that the user chose, if any.
    var chosenScheme: NamingScheme? {
        get throws { try rules ?? scheme.map { try ToolkitError.scheme(named: $0) } }
    }

    /// The scheme in which a model is written.
    ///
    /// - Throws: `ToolkitError.usage` for a scheme of another architecture.
    func namingScheme(for architecture: any ModelConfiguration.Type) throws -> NamingScheme {
        guard let scheme = try chosenScheme else { return architecture.schemes[0] }
        guard Architectures.of(scheme) == architecture else {
            let names = architecture.schemes.map(\.name).joined(separator: ", ")
            throw ToolkitError.usage(
                "the scheme \(scheme.name) has names for \(Architectures.of(scheme).noun), and this is "
                    + "\(architecture.noun), which is written as \(names)")
        }
        return scheme
    }
}
