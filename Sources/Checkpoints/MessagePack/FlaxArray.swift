import TensorCore

/// Arrays as `flax.serialization` packs them: an extension object that holds `(shape, dtype name, bytes)`.
enum FlaxArray {
    /// The extension types that flax defines (`_MsgpackExtType`).
    enum Extension: Int8 {
        case array = 1
        case complex = 2
        case scalar = 3
    }

    /// The first key of the map that stands for an array too large for one object.
    static let chunkedKey = "__msgpack_chunked_array__"

    /// The names that numpy and ml_dtypes give to their types.
    private static let dtypes: [String: DType] = [
        "float64": .f64, "float32": .f32, "float16": .f16, "bfloat16": .bf16, "float8_e4m3fn": .f8e4m3,
        "float8_e5m2": .f8e5m2, "float8_e4m3fnuz": .f8e4m3fnuz, "float8_e5m2fnuz": .f8e5m2fnuz,
        "float8_e8m0fnu": .f8e8m0, "int64": .i64, "int32": .i32, "int16": .i16, "int8": .i8, "uint64": .u64,
        "uint32": .u32, "uint16": .u16, "uint8": .u8, "bool": .bool, "complex128": .c128, "complex64": .c64,
    ]

    /// An array, or the name of its type when that is none of ours.
    enum Element {
        case tensor(TensorView)
        case unknown(dtype: String, shape: Shape)
    }

    /// Reads the `byteCount` bytes of an extension object, which the array must fill.
    static func read(_ reader: inout ByteReader, byteCount: Int) throws -> Element {
        let start = reader.offset
        let end = reader.position + byteCount
        guard case .array(count: 3) = try MessagePackToken(&reader) else {
            throw CheckpointError(
                .damaged, "expected an array's shape, type and bytes, found another object", offset: start)
        }
        let shape = try self.shape(&reader)
        let name = try text(&reader)
        let dataStart = reader.offset
        let data: ByteRegion
        switch try MessagePackToken(&reader) {
        case .bytes(let count), .text(let count): data = try reader.region(count)
        default: throw CheckpointError(.damaged, "expected an array's bytes", offset: dataStart)
        }
        guard reader.position == end else {
            throw CheckpointError(
                .damaged, "expected an array of \(byteCount) bytes, found one that ends elsewhere",
                offset: start)
        }
        guard let dtype = dtypes[name] else { return .unknown(dtype: name, shape: shape) }
        let (bytes, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.itemSize)
        guard !overflow, bytes == data.count else {
            throw CheckpointError(
                .damaged,
                "shape \(shape) in \(dtype.rawValue) takes \(overflow ? "too many" : String(bytes)) bytes, "
                    + "found \(data.count)", offset: dataStart)
        }
        return .tensor(try TensorView(storage: .bytes(data, .little), dtype: dtype, shape: shape))
    }

    private static func shape(_ reader: inout ByteReader) throws -> Shape {
        let start = reader.offset
        guard case .array(let rank) = try MessagePackToken(&reader) else {
            throw CheckpointError(.damaged, "expected an array's shape", offset: start)
        }
        var lengths: [Int] = []
        for _ in 0..<rank { lengths.append(try length(&reader)) }
        return try checked(lengths, offset: start)
    }

    private static func length(_ reader: inout ByteReader) throws -> Int {
        let start = reader.offset
        guard case .integer(let length) = try MessagePackToken(&reader) else {
            throw CheckpointError(.damaged, "expected a length of an axis", offset: start)
        }
        return length
    }

    private static func checked(_ lengths: [Int], offset: Int) throws -> Shape {
        do throws(TensorError) { return try Shape(lengths) } catch {
            throw CheckpointError(.damaged, error.description, offset: offset)
        }
    }

    private static func text(_ reader: inout ByteReader) throws -> String {
        let start = reader.offset
        switch try MessagePackToken(&reader) {
        case .text(let count), .bytes(let count): return try reader.text(count)
        default: throw CheckpointError(.damaged, "expected the name of a type", offset: start)
        }
    }

    // MARK: Arrays in chunks

    /// Reads what follows the first key of a chunked array's map: `true`, then `shape` and `chunks`, each a map
    /// from "0", "1" … The chunks are pieces of the flattened array.
    ///
    /// - Parameter count: the number of pairs in the map, the first included.
    static func readChunked(_ reader: inout ByteReader, count: Int) throws -> Element {
        let start = reader.offset
        guard try MessagePackToken(&reader) == .bool(true), count == 3 else {
            throw CheckpointError(
                .damaged, "expected a chunked array with \"shape\" and \"chunks\"", offset: start)
        }
        var lengths: [Int]?
        var chunks: [Element]?
        for _ in 1..<count {
            let keyStart = reader.offset
            switch try text(&reader) {
            case "shape" where lengths == nil: lengths = try indexed(&reader) { try length(&$0) }
            case "chunks" where chunks == nil:
                chunks = try indexed(&reader) { reader in
                    let start = reader.offset
                    guard case .extended(Extension.array.rawValue, let count) = try MessagePackToken(&reader)
                    else { throw CheckpointError(.damaged, "expected a chunk of an array", offset: start) }
                    return try read(&reader, byteCount: count)
                }
            case let key:
                throw CheckpointError(
                    .damaged, "expected \"shape\" and \"chunks\" of a chunked array, found \"\(key)\"",
                    offset: keyStart)
            }
        }
        guard let lengths, let chunks, let first = chunks.first else {
            throw CheckpointError(.damaged, "a chunked array without chunks", offset: start)
        }
        let shape = try checked(lengths, offset: start)
        if case .unknown(let dtype, _) = first { return .unknown(dtype: dtype, shape: shape) }
        return .tensor(try joined(chunks, shape: shape, offset: start))
    }

    private static func joined(_ chunks: [Element], shape: Shape, offset: Int) throws -> TensorView {
        var views: [TensorView] = []
        var elements = 0
        for chunk in chunks {
            guard case .tensor(let view) = chunk, view.dtype == (views.first ?? view).dtype,
                view.shape.rank == 1
            else {
                throw CheckpointError(
                    .damaged, "the chunks of an array are not all flat and of one type", offset: offset)
            }
            views.append(view)
            // Each lies in the file apart from the others: their sum is below its size.
            elements += view.shape.elementCount
        }
        guard elements == shape.elementCount, let dtype = views.first?.dtype else {
            throw CheckpointError(
                .damaged, "shape \(shape) takes \(shape.elementCount) elements, found \(elements) in chunks",
                offset: offset)
        }
        return try TensorView(storage: .joined(views), dtype: dtype, shape: shape)
    }

    /// A tuple as flax stores it: a map from "0", "1" …, in this order.
    private static func indexed<Value>(
        _ reader: inout ByteReader, _ value: (inout ByteReader) throws -> Value
    ) throws -> [Value] {
        let start = reader.offset
        guard case .map(let count) = try MessagePackToken(&reader) else {
            throw CheckpointError(.damaged, "expected a map from \"0\", \"1\" …", offset: start)
        }
        var values: [Value] = []
        for index in 0..<count {
            let keyStart = reader.offset
            let key = try text(&reader)
            guard key == String(index) else {
                throw CheckpointError(
                    .damaged, "expected the key \"\(index)\", found \"\(key)\"", offset: keyStart)
            }
            values.append(try value(&reader))
        }
        return values
    }
}
