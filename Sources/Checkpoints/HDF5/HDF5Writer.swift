import CHDF5
import TensorCore

/// Writes HDF5 files: every tensor a contiguous dataset at its path, in the format that libraries since HDF5 1.8
/// read; the same tensors give the same bytes, always.
///
/// The library lays out the file; the elements are then written where it says, without passing through it.
package enum HDF5Writer {
    /// Whose conventions the attributes follow.
    package enum Layout: Sendable {
        /// No attributes.
        case plain
        /// Keras 3's `.weights.h5`: paths are `…/vars/K`. `layerNames` has, by the path of a layer, the name that it
        /// bears in the model (the model's own at the empty path); Keras writes it and does not need it to load.
        case keras3(layerNames: [String: String] = [:])
        /// The older `.h5`: the first part of a path is the layer, the rest the weight's name. Keras loads by the
        /// order of layers, and of weights within each, which is that of the tensors given. Weights of the model itself are
        /// below `top_level_model_weights`.
        case legacy(backend: String, kerasVersion: String)
    }

    /// - Parameter file: a file to which nothing was written yet.
    /// - Throws: `CheckpointError` for a path that cannot be, a type that the format lacks, and whatever
    ///   reading the tensors or writing the file throws.
    package static func write(_ tensors: [NamedTensor], layout: Layout, to file: AtomicFile) throws {
        let tree = try HDF5Tree(tensors)
        if case .legacy = layout { try KerasAttributes.checkLegacyPaths(tensors.map(\.name)) }
        let places = try HDF5Library.use { () throws -> [UInt64] in
            let sink = try HDF5Sink(file)
            return try sink.created { root in
                let builder = HDF5Builder(root: root, sink: sink)
                try builder.addGroups(of: tree)
                for (path, name, texts) in KerasAttributes.lists(of: tensors.map(\.name), layout) {
                    try builder.setList(texts, name: name, at: path)
                }
                for (path, name, text) in KerasAttributes.texts(tree, layout) {
                    try builder.setText(text, name: name, at: path)
                }
                return try tensors.map { try builder.addDataset($0, layout: layout) }
            }
        }
        try file.write(
            zip(tensors, places).filter { $0.0.view.byteCount > 0 }
                .map { PlacedTensor(tensor: $0, offset: Int(clamping: $1)) })
    }
}

/// The groups that the paths of tensors make.
struct HDF5Tree {
    /// The paths of the groups, each after the one that holds it, in order of appearance.
    private(set) var groups: [String] = []

    /// - Throws: `CheckpointError` for an empty part in a path, a path given twice, or one that is both a group and a tensor.
    init(_ tensors: [NamedTensor]) throws(CheckpointError) {
        var known: Set<String> = []
        var names: Set<String> = []
        for tensor in tensors {
            let name = tensor.name
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.contains(where: { $0.isEmpty || $0 == "." }), !name.utf8.contains(0) else {
                throw CheckpointError(
                    .unsupported, "a path in an HDF5 file has no part that is empty or \".\"", part: name)
            }
            guard names.insert(name).inserted else {
                throw CheckpointError(
                    .unsupported, "a file cannot hold two tensors of one name", part: name)
            }
            var path = ""
            for part in parts.dropLast() {
                path += (path.isEmpty ? "" : "/") + part
                if known.insert(path).inserted { groups.append(path) }
            }
        }
        if let both = groups.first(where: { names.contains($0) }) {
            throw CheckpointError(
                .unsupported, "a file cannot hold a tensor and a group of one name", part: both)
        }
    }
}

/// Adds to a file that is being created, within ``HDF5Library/use(_:)``.
private final class HDF5Builder {
    private let sink: HDF5Sink
    /// Open groups by path; closing the file closes them.
    private var groups: [String: hdf5_id]

    init(root: hdf5_id, sink: HDF5Sink) {
        self.sink = sink
        groups = ["": root]
    }

    private func group(_ path: String) throws(CheckpointError) -> hdf5_id {
        guard let group = groups[path] else {
            throw CheckpointError(.unsupported, "no tensor stands below this path", part: path)
        }
        return group
    }

    private static func split(_ path: String) -> (group: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    func addGroups(of tree: HDF5Tree) throws {
        for path in tree.groups {
            let (parent, name) = Self.split(path)
            let id = hdf5_create_group(try group(parent), name)
            try sink.check(id >= 0, path)
            groups[path] = id
        }
    }

    /// A dataset without elements, and the place in the file where they belong.
    func addDataset(_ tensor: NamedTensor, layout: HDF5Writer.Layout) throws -> UInt64 {
        guard let kind = Self.kinds[tensor.view.dtype] else {
            throw CheckpointError(
                .unsupported,
                "HDF5 files have no type for \(tensor.view.dtype.rawValue) that h5py would read",
                part: tensor.name)
        }
        if case .legacy = layout, tensor.view.dtype == .bf16 {
            throw CheckpointError(
                .unsupported, "Keras cannot load bfloat16 from its older format: cast it to another type",
                part: tensor.name)
        }
        let (parent, name) = Self.split(tensor.name)
        let lengths = tensor.view.shape.dimensions.map { UInt64($0) }
        var place: UInt64 = 0
        let id = hdf5_create_dataset(
            try group(parent), name, kind, tensor.view.dtype.itemSize, Int32(clamping: lengths.count),
            lengths,
            &place)
        try sink.check(id >= 0, tensor.name)
        defer { hdf5_close_object(id) }
        if case .keras3 = layout, tensor.view.dtype == .bf16 {
            try sink.check(hdf5_set_text(id, "dtype", "bfloat16"), tensor.name)
        }
        return place
    }

    func setText(_ text: String, name: String, at path: String) throws {
        try sink.check(hdf5_set_text(try group(path), name, text), path)
    }

    func setList(_ texts: [String], name: String, at path: String) throws {
        let width = texts.reduce(1) { max($0, $1.utf8.count) }
        var padded: [CChar] = []
        padded.reserveCapacity(width * texts.count)
        for text in texts {
            padded += text.utf8.map { CChar(bitPattern: $0) }
            padded += [CChar](repeating: 0, count: width - text.utf8.count)
        }
        try sink.check(hdf5_set_texts(try group(path), name, padded, width, texts.count), path)
    }

    private static let kinds: [DType: hdf5_written_kind] = [
        .f64: HDF5_WRITE_FLOAT, .f32: HDF5_WRITE_FLOAT, .f16: HDF5_WRITE_FLOAT, .bf16: HDF5_WRITE_BFLOAT16,
        .i64: HDF5_WRITE_SIGNED, .i32: HDF5_WRITE_SIGNED, .i16: HDF5_WRITE_SIGNED, .i8: HDF5_WRITE_SIGNED,
        .u64: HDF5_WRITE_UNSIGNED, .u32: HDF5_WRITE_UNSIGNED, .u16: HDF5_WRITE_UNSIGNED,
        .u8: HDF5_WRITE_UNSIGNED, .bool: HDF5_WRITE_BOOL, .c128: HDF5_WRITE_COMPLEX,
        .c64: HDF5_WRITE_COMPLEX,
    ]
}
