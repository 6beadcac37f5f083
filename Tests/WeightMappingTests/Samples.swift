import TensorCore

@testable import WeightMapping

/// Small tensors and checkpoints for the tests.
enum Samples {
    /// A tensor that counts 0, 1, 2, … plus `start`.
    static func counting(_ dimensions: [Int], from start: Int = 0) throws -> TensorView {
        let shape = try Shape(dimensions)
        return try tensor(dimensions, (0..<shape.elementCount).map { Float($0 + start) })
    }

    static func tensor(_ dimensions: [Int], _ values: [Float]) throws -> TensorView {
        let bytes = values.withUnsafeBytes { [UInt8]($0) }
        return try TensorView(
            storage: .bytes(ByteRegion(bytes), .little), dtype: .f32, shape: Shape(dimensions))
    }

    static func zeros(_ dimensions: [Int], _ dtype: DType = .f32) throws -> TensorView {
        let shape = try Shape(dimensions)
        let bytes = [UInt8](repeating: 0, count: shape.elementCount * dtype.itemSize)
        return try TensorView(storage: .bytes(ByteRegion(bytes), .little), dtype: dtype, shape: shape)
    }

    /// Names and shapes of a Vision Transformer of width 8, in timm's `state_dict` order.
    static func shapes(depth: Int = 2, classes: Int = 5) -> [(name: String, shape: [Int])] {
        var shapes: [(String, [Int])] = [
            ("cls_token", [1, 1, 8]), ("pos_embed", [1, 17, 8]), ("patch_embed.proj.weight", [8, 3, 4, 4]),
            ("patch_embed.proj.bias", [8]),
        ]
        for block in 0..<depth {
            let parts: [(String, [Int])] = [
                ("norm1.weight", [8]), ("norm1.bias", [8]), ("attn.qkv.weight", [24, 8]),
                ("attn.qkv.bias", [24]),
                ("attn.proj.weight", [8, 8]), ("attn.proj.bias", [8]), ("norm2.weight", [8]),
                ("norm2.bias", [8]),
                ("mlp.fc1.weight", [16, 8]), ("mlp.fc1.bias", [16]), ("mlp.fc2.weight", [8, 16]),
                ("mlp.fc2.bias", [8]),
            ]
            shapes += parts.map { ("blocks.\(block).\($0.0)", $0.1) }
        }
        shapes += [("norm.weight", [8]), ("norm.bias", [8])]
        if classes > 0 { shapes += [("head.weight", [classes, 8]), ("head.bias", [classes])] }
        return shapes
    }

    /// A checkpoint with those tensors behind `prefix`.
    static func checkpoint(_ prefix: String = "", depth: Int = 2, classes: Int = 5) throws -> [NamedTensor] {
        try shapes(depth: depth, classes: classes).enumerated().map { index, entry in
            NamedTensor(prefix + entry.name, try counting(entry.shape, from: index * 1000))
        }
    }

    /// What a model of that size asks for.
    static func expected(depth: Int = 2, classes: Int = 5) throws -> [(name: String, shape: Shape)] {
        try shapes(depth: depth, classes: classes).map { ($0.name, try Shape($0.shape)) }
    }

    /// The tensors and the metadata of a safetensors file among the fixtures.
    static func fixture(_ path: String) throws -> (tensors: [String: TensorView], metadata: JSONValue?) {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try ByteRegion(OpenFile(path: "/\(root)/Fixtures/\(path)")).array()
        let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONParser.parse([UInt8](bytes[8..<8 + length]))
        let data = ByteRegion([UInt8](bytes[(8 + length)...]))
        var tensors: [String: TensorView] = [:]
        for member in header.members ?? [] where member.key != "__metadata__" {
            let offsets = (member.value["data_offsets"]?.array ?? []).compactMap(\.integer)
            let shape = try Shape((member.value["shape"]?.array ?? []).compactMap(\.integer))
            guard let dtype = DType(rawValue: member.value["dtype"]?.string ?? ""), offsets.count == 2 else {
                throw TensorError.incompatible("the fixture's tensor \(member.key) is not described")
            }
            let region = try data.slice(offsets[0], offsets[1] - offsets[0])
            tensors[member.key] = try TensorView(storage: .bytes(region, .little), dtype: dtype, shape: shape)
        }
        return (tensors, header["__metadata__"])
    }
}
