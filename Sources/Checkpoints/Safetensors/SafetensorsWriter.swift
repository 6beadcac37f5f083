import TensorCore

/// Writes safetensors files: the same tensors and metadata give the same bytes, always.
///
/// Wider types stand first, so that every tensor is aligned to the size of its elements without holes; within a
/// width the given order stays. The header is padded with spaces so that data begins on a 64-byte boundary.
package enum SafetensorsWriter {
    private static let alignment = 64

    /// - Throws: `CheckpointError` for a name given twice or a type that the format lacks, and whatever reading
    ///   the tensors or writing the file throws.
    package static func write(
        _ tensors: [NamedTensor], metadata: [(key: String, value: String)] = [], to file: AtomicFile
    ) throws {
        let (header, ordered) = try self.header(of: tensors, metadata: metadata)
        try file.write(header)
        var end = file.count
        try file.write(
            ordered.map { tensor in
                defer { end += tensor.view.byteCount }
                return PlacedTensor(tensor: tensor, offset: end)
            })
    }

    /// The header with its length in front, and the tensors in the order in which their bytes follow.
    package static func header(
        of tensors: [NamedTensor], metadata: [(key: String, value: String)]
    ) throws -> (bytes: [UInt8], ordered: [NamedTensor]) {
        let ordered = [16, 8, 4, 2, 1].flatMap { width in tensors.filter { $0.view.dtype.itemSize == width } }
        var members: [JSONValue.Member] = []
        if !metadata.isEmpty {
            members.append(.init("__metadata__", .object(metadata.map { .init($0.key, .string($0.value)) })))
        }
        var names: Set<String> = []
        var offset = 0
        for tensor in ordered {
            guard names.insert(tensor.name).inserted, tensor.name != "__metadata__" else {
                throw CheckpointError(
                    .unsupported, "a file cannot hold two tensors of one name", part: tensor.name)
            }
            guard SafetensorsReader.types.contains(tensor.view.dtype) else {
                throw CheckpointError(
                    .unsupported, "safetensors has no type for \(tensor.view.dtype.rawValue)",
                    part: tensor.name)
            }
            let end = offset + tensor.view.byteCount
            members.append(
                .init(
                    tensor.name,
                    .object([
                        "dtype": .string(tensor.view.dtype.rawValue),
                        "shape": .integers(tensor.view.shape.dimensions),
                        "data_offsets": .integers([offset, end]),
                    ])))
            offset = end
        }
        var text = Array(JSONValue.object(members).compact.utf8)
        text += [UInt8](repeating: 0x20, count: (alignment - (8 + text.count) % alignment) % alignment)
        guard text.count <= SafetensorsReader.largestHeader else {
            throw CheckpointError(
                .unsupported, "a header of \(text.count) bytes is more than safetensors allows")
        }
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) }
        return (length + text, ordered)
    }
}
