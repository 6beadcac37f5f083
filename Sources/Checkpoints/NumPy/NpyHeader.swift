import TensorCore

/// The header of an `.npy` file: magic, version, and a Python dictionary as text (NEP 1).
struct NpyHeader {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    let dtype: DType
    let order: ByteOrder
    let isColumnMajor: Bool
    let shape: Shape

    /// Reads the header and leaves `reader` at the first element.
    init(_ reader: inout ByteReader) throws {
        let start = reader.offset
        guard try reader.bytes(6) == Self.magic else {
            throw CheckpointError(.damaged, "expected the magic of an .npy file", offset: start)
        }
        let version = try reader.byte()
        _ = try reader.byte()
        let length: Int
        switch version {
        case 1: length = Int(try reader.integer(UInt16.self))
        case 2, 3: length = Int(try reader.integer(UInt32.self))
        default: throw CheckpointError(.unsupported, "an .npy header of version \(version); 1 to 3 are known")
        }
        // NumPy itself refuses longer ones; a record type of hundreds of fields stays below.
        guard length <= 1 << 20 else { throw CheckpointError(.damaged, "an .npy header of \(length) bytes") }
        let text = String(decoding: try reader.bytes(length), as: UTF8.self)
        var literal = PythonLiteral(text)
        guard case .dictionary(let items)? = literal.parse() else {
            throw CheckpointError(
                .damaged, "the .npy header is no dictionary of plain values: \(text.prefix(80))",
                offset: start)
        }
        func item(_ key: String) throws -> PythonLiteral.Value {
            guard let value = items.first(where: { $0.key == key })?.value else {
                throw CheckpointError(.damaged, "the .npy header has no '\(key)'", offset: start)
            }
            return value
        }
        guard case .text(let descriptor) = try item("descr") else {
            throw CheckpointError(.unsupported, "an array of records; arrays of numbers are read")
        }
        guard let (dtype, order) = NumPyDType.parse(descriptor) else {
            let what =
                switch descriptor.drop(while: { "<>=|!".contains($0) }) {
                case "O": "Python objects, which only Python's pickle could build"
                case "V1":
                    "bytes that are some 8-bit float, of which kind the file does not say (\(descriptor))"
                default: "type '\(descriptor)'"
                }
            throw CheckpointError(.unsupported, "an array of \(what); arrays of numbers are read")
        }
        guard case .bool(let isColumnMajor) = try item("fortran_order"),
            case .tuple(let lengths) = try item("shape")
        else {
            throw CheckpointError(
                .damaged, "the .npy header's order or shape is no plain value", offset: start)
        }
        self.dtype = dtype
        self.order = order
        self.isColumnMajor = isColumnMajor
        shape = try Shape(
            try lengths.map {
                guard case .integer(let length) = $0 else {
                    throw CheckpointError(
                        .damaged, "the .npy header's shape is no tuple of integers", offset: start)
                }
                return length
            })
    }

    /// Where the elements begin, by what an array's first bytes state; nil when they do not.
    static func end(ofStart bytes: [UInt8]) -> Int? {
        guard bytes.count >= 12, bytes.starts(with: magic) else { return nil }
        let short = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        switch bytes[6] {
        case 1: return short
        case 2, 3: return short + 2 + (Int(bytes[10]) + Int(bytes[11]) << 8) << 16
        default: return nil
        }
    }

    /// The length of all elements; nil when it is beyond all.
    var byteCount: Int? {
        let (bytes, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.itemSize)
        return overflow ? nil : bytes
    }

    /// The tensor whose elements stand in `storage` from `offset` bytes on.
    func view(of storage: TensorStorage, at offset: Int, available: Int) throws -> TensorView {
        let (bytes, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.itemSize)
        guard !overflow, bytes <= available else {
            throw CheckpointError(
                .damaged,
                "shape \(shape) in \(dtype.rawValue) takes \(overflow ? "too many" : String(bytes)) bytes, "
                    + "found \(available)")
        }
        let strides = isColumnMajor ? shape.columnMajorStrides : nil
        switch storage {
        case .bytes(let region, _):
            return try TensorView(
                storage: .bytes(try region.slice(offset, bytes), order), dtype: dtype, shape: shape,
                strides: strides)
        case .deferred(let deferred):
            try ZipArchive.prove(storage, holdsLittleMoreThan: offset + bytes)
            let elements = DeferredBytes(byteCount: bytes, order: order) {
                try deferred.bytes().slice(offset, bytes)
            }
            return try TensorView(storage: .deferred(elements), dtype: dtype, shape: shape, strides: strides)
        case .joined, .converted:
            throw CheckpointError(.damaged, "no plain member")
        }
    }
}

/// The few Python literals that an `.npy` header is made of. Nothing is evaluated.
struct PythonLiteral {
    enum Value {
        case text(String)
        case integer(Int)
        case bool(Bool)
        case tuple([Value])
        case dictionary([(key: String, value: Value)])
        /// A list: the fields of a record type.
        case list
    }

    private let text: [UInt8]
    private var position = 0

    init(_ text: String) {
        self.text = Array(text.utf8)
    }

    /// The literal that fills the text, or nil when it is none.
    mutating func parse() -> Value? {
        guard let value = value(depth: 0) else { return nil }
        skipSpace()
        return position == text.count ? value : nil
    }

    private mutating func skipSpace() {
        while position < text.count, text[position] == 0x20 || text[position] == 0x0A { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) -> Value? {
        guard depth < 4 else { return nil }
        skipSpace()
        guard position < text.count else { return nil }
        switch text[position] {
        case UInt8(ascii: "{"): return dictionary(depth: depth)
        case UInt8(ascii: "("): return tuple(depth: depth)
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return string().map { .text($0) }
        case UInt8(ascii: "["):
            // Only onwards: a bracket that stands before would have this start over for ever.
            guard let end = text[position...].lastIndex(of: UInt8(ascii: "]")) else { return nil }
            position = end + 1
            return .list
        case UInt8(ascii: "T"): return word("True") ? .bool(true) : nil
        case UInt8(ascii: "F"): return word("False") ? .bool(false) : nil
        default: return integer().map { .integer($0) }
        }
    }

    private mutating func word(_ word: String) -> Bool {
        guard text[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    private mutating func string() -> String? {
        let quote = text[position]
        let start = position + 1
        guard let end = text[start...].firstIndex(of: quote), !text[start..<end].contains(0x5C) else {
            return nil
        }
        position = end + 1
        return String(decoding: text[start..<end], as: UTF8.self)
    }

    private mutating func integer() -> Int? {
        let digits = text[position...].prefix { (0x30...0x39).contains($0) || $0 == 0x2D }
        position += digits.count
        // Python 2 wrote long integers as 10L.
        if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    private mutating func tuple(depth: Int) -> Value? {
        guard take("(") else { return nil }
        var values: [Value] = []
        while !take(")") {
            guard let value = value(depth: depth + 1) else { return nil }
            values.append(value)
            if !take(",") {
                guard take(")") else { return nil }
                break
            }
        }
        return .tuple(values)
    }

    private mutating func dictionary(depth: Int) -> Value? {
        guard take("{") else { return nil }
        var items: [(key: String, value: Value)] = []
        while !take("}") {
            skipSpace()
            guard position < text.count, text[position] == 0x27 || text[position] == 0x22, let key = string(),
                take(":"), let value = value(depth: depth + 1)
            else { return nil }
            items.append((key, value))
            if !take(",") {
                guard take("}") else { return nil }
                break
            }
        }
        return .dictionary(items)
    }
}
