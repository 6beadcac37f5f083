import TensorCore

/// Writes what `torch.save` writes for a state dictionary: a zip of `data.pkl` and a member for each storage.
///
/// `torch.load` reads it as an `OrderedDict` of contiguous tensors, with `weights_only` and mapped (`mmap`) too. No
/// member has a time and no identity is made up, so that the same tensors give the same bytes.
package enum TorchZipWriter {
    /// The folder that PyTorch takes when it does not know the file's name.
    private static let root = "archive/"
    /// PyTorch's own since 2.1.
    private static let alignment = 64

    /// - Throws: `CheckpointError` for a name given twice, and whatever reading the tensors or writing the file
    ///   throws.
    package static func write(_ tensors: [NamedTensor], to file: AtomicFile) throws {
        var archive = ZipWriter(to: file)
        try archive.add(root + "data.pkl", try pickle(of: tensors), alignment: alignment)
        try archive.add(root + "byteorder", Array("little".utf8), alignment: alignment)
        for (key, tensor) in tensors.enumerated() {
            do {
                // PyTorch itself checks no checksum, other readers of zip archives do. The bytes must be read for it,
                // which with the write costs what a copy inside the kernel and a reading afterwards would.
                try archive.add(
                    root + "data/\(key)", size: tensor.view.byteCount, method: .stored(alignment: alignment)
                ) { try tensor.view.forEachChunk($0) }
            } catch {
                throw CheckpointError(error, part: tensor.name)
            }
        }
        try archive.add(root + "version", Array("3\n".utf8), alignment: alignment)
        try archive.finish()
    }

    /// `OrderedDict([(name, _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())), …])`
    private static func pickle(of tensors: [NamedTensor]) throws -> [UInt8] {
        var pickle = PickleWriter()
        pickle.call("collections", "OrderedDict")
        if !tensors.isEmpty { pickle.put(.mark) }
        var names: Set<String> = []
        for (key, tensor) in tensors.enumerated() {
            guard names.insert(tensor.name).inserted else {
                throw CheckpointError(
                    .unsupported, "a file cannot hold two tensors of one name", part: tensor.name)
            }
            pickle.text(tensor.name)
            add(tensor.view, key: key, to: &pickle)
        }
        if !tensors.isEmpty { pickle.put(.setItems) }
        pickle.put(.stop)
        return pickle.bytes
    }

    private static func add(_ view: TensorView, key: Int, to pickle: inout PickleWriter) {
        let saved = TorchDType.saved(view.dtype)
        switch saved {
        case .storage: pickle.global("torch._utils", "_rebuild_tensor_v2")
        case .untyped: pickle.global("torch._utils", "_rebuild_tensor_v3")
        }
        pickle.put(.mark)
        pickle.put(.mark)
        pickle.repeated(text: "storage")
        switch saved {
        case .storage(let name): pickle.global("torch", name)
        case .untyped: pickle.global("torch.storage", "UntypedStorage")
        }
        pickle.text(String(key))
        pickle.repeated(text: "cpu")
        switch saved {
        case .storage: pickle.integer(view.shape.elementCount)
        case .untyped: pickle.integer(view.byteCount)
        }
        pickle.put(.tuple)
        pickle.put(.binPersID)
        pickle.integer(0)
        pickle.tuple(view.shape.dimensions)
        pickle.tuple(view.shape.rowMajorStrides)
        // requires_grad and backward hooks.
        pickle.put(.newFalse)
        pickle.call("collections", "OrderedDict")
        if case .untyped(let name) = saved { pickle.global("torch", name) }
        pickle.put(.tuple)
        pickle.put(.reduce)
    }
}
