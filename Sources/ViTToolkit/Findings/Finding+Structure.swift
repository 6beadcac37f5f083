import Checkpoints
import TensorCore

/// What a file's directory tells, without a look at any value.
extension Finding {
    static func structural(_ checkpoint: Checkpoint, _ model: PreparedModel?) -> [Finding] {
        [
            wrongExtension(checkpoint), duplicateStorage(checkpoint.tensors),
            optimizerState(checkpoint.tensors, model),
        ].compactMap { $0 }
    }

    // MARK: Extensions

    /// Which containers a name with this ending promises; the first ending is the one to take.
    private static let endings: [(endings: [String], containers: Set<Container>)] = [
        ([".pth", ".pt", ".bin", ".ckpt", ".pth.tar"], [.torchZip, .torchLegacy, .torchTar, .torchScript]),
        ([".safetensors"], [.safetensors, .swt]),
        ([".swt"], [.swt]),
        ([".npz"], [.npz]),
        ([".npy"], [.npy]),
        ([".h5", ".hdf5", ".keras"], [.hdf5]),
        ([".msgpack"], [.msgpack]),
    ]

    private static func wrongExtension(_ checkpoint: Checkpoint) -> Finding? {
        let name = checkpoint.path.split(separator: "/").last.map { $0.lowercased() } ?? ""
        let container = checkpoint.container
        guard let ending = endings.flatMap(\.endings).first(where: name.hasSuffix),
            let promised = endings.first(where: { $0.endings.contains(ending) })?.containers,
            !promised.contains(container),
            let right = endings.first(where: { $0.containers.contains(container) })?.endings.first
        else { return nil }
        return Finding(
            .wrongExtension, "the name ends in \(ending), but the file is \(container.words)",
            advice: "Rename it to end in \(right), since other programs go by the name")
    }

    static func digestMismatch(_ digits: String) -> Finding {
        Finding(
            .digestMismatch, "the file's digest does not begin with \(digits), as its name says it should",
            advice: "Download it again: it is damaged, or another file than the one published under this name"
        )
    }

    // MARK: Storages

    /// Where a tensor's bytes are.
    private struct Place: Hashable {
        let storage: ObjectIdentifier
        let offset: Int
        let count: Int
    }

    private static func place(_ view: TensorView) -> Place? {
        guard view.byteCount > 0, let extent = view.extent else { return nil }
        let start = extent.lowerBound * view.dtype.itemSize
        let count = extent.count * view.dtype.itemSize
        switch view.storage {
        case .bytes(let region, _):
            guard let (file, offset) = region.filePlace else { return nil }
            return Place(storage: ObjectIdentifier(file), offset: offset + start, count: count)
        case .deferred(let bytes):
            return Place(storage: ObjectIdentifier(bytes), offset: start, count: count)
        case .joined, .converted:
            return nil
        }
    }

    private static func duplicateStorage(_ tensors: [NamedTensor]) -> Finding? {
        var first: [Place: String] = [:]
        var pairs: [(name: String, other: String)] = []
        var bytes = 0
        for tensor in tensors {
            guard let place = place(tensor.view) else { continue }
            if let other = first[place] {
                pairs.append((tensor.name, other))
                bytes += tensor.view.byteCount
            } else {
                first[place] = tensor.name
            }
        }
        guard let pair = pairs.first else { return nil }
        return Finding(
            .duplicateStorage,
            "\(pair.other) and \(pair.name) are one storage under two names"
                + (pairs.count > 1
                    ? ", and \(pairs.count - 1) more names are such (\(Quantity.bytes(bytes)) in all)" : ""),
            advice:
                "Leave them where they are tied on purpose; other containers hold the values once for each name",
            tensors: pairs.map(\.name))
    }

    // MARK: Optimizers

    /// Words in the paths of an optimizer's tensors: PyTorch's and Lightning's, optax's, Keras's.
    private static let optimizerWords: Set<Substring> = [
        "optimizer", "optimizers", "optimizer_state", "optimizer_states", "optimizer_state_dict", "optim",
        "opt_state", "opt", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "optimizer_weights",
    ]

    /// What these words begin with: nearly all others leave here.
    private static let optimizerInitials = Set(optimizerWords.compactMap(\.utf8.first))

    private static func optimizerState(_ tensors: [NamedTensor], _ model: PreparedModel?) -> Finding? {
        let parts = tensors.map { tensor in
            let words = tensor.name.utf8.split { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
            return (
                tensor,
                words.contains {
                    optimizerInitials.contains($0[$0.startIndex]) && optimizerWords.contains(Substring($0))
                }
            )
        }
        let state = parts.filter(\.1).map(\.0)
        let stateBytes = state.reduce(0) { $0 + $1.view.byteCount }
        let own = model.map { $0.parameters.reduce(0) { $0 + $1.view.byteCount } }
        let weights = own ?? parts.filter { !$0.1 }.reduce(0) { $0 + $1.0.view.byteCount }
        guard let first = state.first, weights > 0, stateBytes * 2 >= weights else { return nil }
        let times = Double((weights + stateBytes) * 10 / weights) / 10
        return Finding(
            .optimizerState,
            "an optimizer's state makes the file \(times) times larger than its weights: "
                + "\(Quantity.bytes(stateBytes)) beside \(Quantity.bytes(weights))",
            advice: "Convert it: what is written holds the weights alone", tensors: [first.name])
    }
}

extension Container {
    /// What a file of this kind is, with its article.
    fileprivate var words: String {
        switch self {
        case .torchZip, .torchLegacy, .torchTar: "a PyTorch file (\(rawValue))"
        case .torchScript: "a TorchScript archive"
        case .npz: "a NumPy archive"
        case .npy: "a NumPy array"
        case .hdf5: "an HDF5 file"
        case .safetensors: "a safetensors file"
        case .safetensorsIndex: "an index of safetensors files"
        case .swt: "an .swt file"
        case .msgpack: "a MessagePack file"
        case .custom: "a file of a custom container"
        }
    }
}
