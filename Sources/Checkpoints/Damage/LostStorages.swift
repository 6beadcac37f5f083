import TensorCore

/// Storages of which a pickle tells, and which need not be there: to learn which tensors would have been in them.
struct LostStorages {
    /// The bytes of each storage, by its key.
    private(set) var sizes: [String: Int] = [:]
    private let tensors: [(name: String, key: String)]

    init(_ graph: PickleGraph) throws {
        for node in graph.nodes {
            guard case .persistent(let id) = node, let reference = try StorageReference(id, in: graph) else {
                continue
            }
            // Of a storage of which only views are known, as far as these reach.
            let (count, overflow) = reference.offset.addingReportingOverflow(reference.count)
            let (size, sizeOverflow) = count.multipliedReportingOverflow(by: reference.dtype.itemSize)
            guard !overflow, !sizeOverflow else {
                throw CheckpointError(.damaged, "claims \(reference.count) elements")
            }
            let known = sizes[reference.key] ?? 0
            sizes[reference.key] = max(known, size, Self.wholeSize(id, reference, in: graph))
        }
        let provider = Provider(sizes: sizes)
        let listed = try ObjectListing(of: graph, storages: provider).contents.tensors
        tensors = listed.compactMap { tensor in
            guard case .deferred(let bytes) = tensor.view.storage else { return nil }
            return provider.keys[ObjectIdentifier(bytes)].map { (tensor.name, $0) }
        }
    }

    /// Of a view's root its own size, which the persistent id gives before the view.
    private static func wholeSize(
        _ id: PickleValue, _ reference: StorageReference, in graph: PickleGraph
    ) -> Int {
        guard let fields = graph.tuple(id), fields.count > 4, let count = fields[4].integer, count >= 0 else {
            return 0
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: reference.dtype.itemSize)
        return overflow ? 0 : size
    }

    /// The keys in the order in which the tensors are listed, which is that of PyTorch's members.
    var keys: [String] { tensors.map(\.key) }

    /// The first tensor in the first of these storages that has one.
    func firstTensor(in keys: [String]) -> String? {
        keys.lazy.compactMap { key in tensors.first { $0.key == key }?.name }.first
    }

    /// Hands out storages that nobody can read.
    private final class Provider: StorageProvider {
        private let sizes: [String: Int]
        private var known: [String: DeferredBytes] = [:]
        private(set) var keys: [ObjectIdentifier: String] = [:]

        init(sizes: [String: Int]) { self.sizes = sizes }

        func storage(key: String, byteCount: Int) throws -> TensorStorage {
            if let bytes = known[key] { return .deferred(bytes) }
            let count = max(byteCount, sizes[key] ?? 0)
            let bytes = DeferredBytes(byteCount: count) {
                throw ByteError(.truncated, offset: 0, needed: count, available: 0)
            }
            known[key] = bytes
            keys[ObjectIdentifier(bytes)] = key
            return .deferred(bytes)
        }
    }
}
