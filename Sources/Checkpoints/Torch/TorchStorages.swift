import TensorCore

/// A storage as a pickle's persistent id names it: `('storage', class, key, location, numel[, view])`.
struct StorageReference {
    let dtype: DType
    /// Whether the storage counts bytes, which PyTorch never swaps, whatever the tensor over it is.
    let isUntyped: Bool
    let key: String
    /// The number of elements claimed.
    let count: Int
    /// The first element in the stored storage, for views of storages in old files.
    let offset: Int

    /// - Returns: nil when the persistent id is of another kind.
    init?(_ id: PickleValue, in graph: PickleGraph) throws {
        guard let fields = graph.tuple(id), let tag = fields.first?.text else { return nil }
        guard tag == "storage" else { return nil }
        guard fields.count >= 5, let storageClass = graph.global(fields[1]),
            let dtype = TorchDType.ofStorage(storageClass.name)
        else {
            let name = fields.count > 1 ? graph.global(fields[1])?.description : nil
            throw CheckpointError(
                .unsupported, "a storage of the class \(name ?? "?"), which is not among those known")
        }
        guard let key = fields[2].text ?? fields[2].integer.map(String.init), let count = fields[4].integer,
            count >= 0
        else { throw CheckpointError(.damaged, "a storage whose key or length is missing") }
        self.dtype = dtype
        isUntyped = storageClass.name == "UntypedStorage"
        // A view names its root's key, and has an offset into it.
        if fields.count > 5, let view = graph.tuple(fields[5]), view.count == 3 {
            guard let offset = view[1].integer, let size = view[2].integer, offset >= 0, size >= 0 else {
                throw CheckpointError(.damaged, "a storage's view is out of range", part: "storage \(key)")
            }
            self.offset = offset
            self.count = size
        } else {
            offset = 0
            self.count = count
        }
        self.key = key
    }
}

/// Where the storages of a container are.
protocol StorageProvider {
    /// The bytes of the storage of that key, at least `byteCount` of them.
    func storage(key: String, byteCount: Int) throws -> TensorStorage
    /// The tensor that a persistent id stands for, in containers that keep tensors apart from the object.
    func tensor(_ id: PickleValue) -> TensorView?
}

extension StorageProvider {
    func tensor(_ id: PickleValue) -> TensorView? { nil }

    func storage(_ reference: StorageReference) throws -> TensorStorage {
        let (elements, overflow) = reference.offset.addingReportingOverflow(reference.count)
        let (bytes, bytesOverflow) = elements.multipliedReportingOverflow(by: reference.dtype.itemSize)
        guard !overflow, !bytesOverflow else {
            throw CheckpointError(
                .damaged, "claims \(reference.count) elements", part: "storage \(reference.key)")
        }
        let storage = try storage(key: reference.key, byteCount: bytes)
        guard storage.byteCount(of: .u8) >= bytes else {
            throw CheckpointError(
                .damaged, "expected \(bytes) bytes, found \(storage.byteCount(of: .u8))",
                part: "storage \(reference.key)")
        }
        if reference.isUntyped, case .bytes(let region, .big) = storage { return .bytes(region, .little) }
        return storage
    }
}
