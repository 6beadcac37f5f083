import TensorCore

/// Writes `.npz` archives as `numpy.savez` and `numpy.savez_compressed` do; the same tensors give the same bytes.
package enum NpzWriter {
    /// - Parameter compressed: whether members are deflated; by zlib's level 6, on all cores.
    /// - Throws: `CheckpointError` for a type that NumPy lacks or a name given twice, and whatever reading the
    ///   tensors or writing the file throws.
    package static func write(
        _ tensors: [NamedTensor], to file: AtomicFile, compressed: Bool = false
    ) throws {
        var archive = ZipWriter(to: file)
        var names: Set<String> = []
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw CheckpointError(
                    .unsupported, "a file cannot hold two tensors of one name", part: tensor.name)
            }
            let header = try npyHeader(of: tensor)
            do {
                try archive.add(
                    tensor.name + ".npy", size: header.count + tensor.view.byteCount,
                    method: compressed ? .deflated : .stored(alignment: 1)
                ) { write in
                    try header.withUnsafeBytes(write)
                    try tensor.view.forEachChunk(write)
                }
            } catch {
                throw CheckpointError(error, part: tensor.name)
            }
        }
        try archive.finish()
    }

    /// The dictionary, padded so that the elements begin on a 64-byte boundary of the array file.
    private static func npyHeader(of tensor: NamedTensor) throws -> [UInt8] {
        guard let descriptor = NumPyDType.descriptor(of: tensor.view.dtype) else {
            throw CheckpointError(
                .unsupported, "NumPy has no type for \(tensor.view.dtype.rawValue)", part: tensor.name)
        }
        let lengths = tensor.view.shape.dimensions
        let shape =
            lengths.count == 1
            ? "(\(lengths[0]),)" : "(" + lengths.map(String.init).joined(separator: ", ") + ")"
        var text = Array("{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }".utf8)
        text += [UInt8](repeating: 0x20, count: 63 - (10 + text.count) % 64) + [0x0A]
        return NpyHeader.magic + [1, 0] + [UInt8(text.count & 0xFF), UInt8(text.count >> 8)] + text
    }
}
