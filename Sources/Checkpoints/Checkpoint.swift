import TensorCore

/// A checkpoint file opened for reading: its tensors by name, in the file's own order, read only on demand.
public struct Checkpoint: Sendable {
    /// The path that was opened.
    public let path: String
    /// The kind of container, told by its content.
    public let container: Container
    /// Every tensor, in the order of the file; nested ones named by their path, joined with dots.
    public let tensors: [NamedTensor]
    /// What is in the file beside tensors, in the order of the file.
    public let others: [OtherEntry]
    /// The Python globals that pickles in the file name, `module.name`, in order of first appearance.
    public let globals: [String]
    /// Text that the container carries beside tensors (safetensors' `__metadata__`, a Keras model's configuration), in the file's order.
    public let metadata: [(key: String, value: String)]
    /// The paths of Keras 3's weights spelled with the names that layers have in their model, by tensor:
    /// `layers/dense_3/vars/0` is `head/0`.
    package let layerNames: [String: String]
    /// What the reader wants the user to know.
    public let remarks: [String]
    /// The files that make up the checkpoint: one, or an index and its shards.
    package let files: [OpenFile]

    package init(_ contents: CheckpointContents, path: String, container: Container, files: [OpenFile]) {
        self.path = path
        self.container = container
        tensors = contents.tensors
        others = contents.others
        globals = contents.globals
        metadata = contents.metadata
        layerNames = contents.layerNames
        remarks = contents.remarks
        self.files = files
    }

    /// The size of all its files together, in bytes.
    public var fileSize: Int { files.reduce(0) { $0 + $1.size } }

    /// Whether a part of it is still on a web server.
    package var isPartial: Bool { files.contains(where: \.isPartial) }

    /// Proves that nobody wrote to its files since they were opened, as far as the system tells.
    package func proveUnchanged() throws(CheckpointError) {
        for file in files {
            do throws(ByteError) { try file.proveUnchanged() } catch {
                throw CheckpointError(error, path: file.path)
            }
        }
    }

    /// The first tensor of that name.
    public func tensor(_ name: String) -> TensorView? {
        tensors.first { $0.name == name }?.view
    }
}

/// Something in a checkpoint that is no tensor.
public struct OtherEntry: Sendable, Equatable {
    /// The name, nested names joined with dots.
    public let name: String
    /// What it is: `int`, `str`, `argparse.Namespace`, `meta tensor` …
    public let type: String
    /// Its value in short, where it has one.
    public let value: String?

    package init(_ name: String, type: String, value: String? = nil) {
        self.name = name
        self.type = type
        self.value = value
    }
}

/// What a container's reader finds.
package struct CheckpointContents {
    package var tensors: [NamedTensor] = []
    package private(set) var others: [OtherEntry] = []
    package var globals: [String] = []
    package var metadata: [(key: String, value: String)] = []
    package var layerNames: [String: String] = [:]
    package var remarks: [String] = []

    /// What one file may list: an entry takes up to 900 bytes until it is printed, and twice that with its statistics and
    /// digest, whatever the file spends on it.
    static let mostEntries = 1 << 15

    package init() {}

    mutating func add(_ tensor: NamedTensor) throws(CheckpointError) {
        try makeRoom()
        tensors.append(tensor)
    }

    mutating func add(_ other: OtherEntry) throws(CheckpointError) {
        try makeRoom()
        others.append(other)
    }

    private func makeRoom() throws(CheckpointError) {
        guard tensors.count + others.count < Self.mostEntries else {
            throw CheckpointError(
                .unsupported,
                "more than \(Self.mostEntries) tensors and other entries, where a model has hundreds")
        }
    }
}

/// The kinds of container; raw values are those of `inspect --json`.
public enum Container: String, Sendable, CaseIterable {
    /// PyTorch's zip archive, since 1.6.
    case torchZip = "torch-zip"
    /// PyTorch's pickles one behind another, before 1.6.
    case torchLegacy = "torch-legacy"
    /// PyTorch's tar archive, before 0.1.10.
    case torchTar = "torch-tar"
    /// A TorchScript archive.
    case torchScript = "torchscript"
    /// NumPy's zip archive of arrays.
    case npz
    /// A single array of NumPy's.
    case npy
    /// HDF5, of Keras, h5py or anyone; a `.keras` archive with one in it, too.
    case hdf5
    /// A safetensors file.
    case safetensors
    /// An index of shards (`model.safetensors.index.json`), with its safetensors files.
    case safetensorsIndex = "safetensors-index"
    /// A safetensors file with what makes it an `.swt`.
    case swt
    /// Flax's MessagePack.
    case msgpack
    /// A container that a reader of the caller's own knows; see ``Checkpoint/init(path:reading:)``.
    case custom
}
