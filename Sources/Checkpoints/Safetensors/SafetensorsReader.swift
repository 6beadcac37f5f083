import TensorCore

/// The safetensors container: eight bytes of header length, a JSON header, the tensors' bytes.
///
/// Every rule of the format is checked before a single tensor is handed out: offsets must tile the data
/// without hole or overlap, and each must have the size that its shape and type say.
enum SafetensorsReader {
    /// The format's own limit for the header.
    static let largestHeader = 100_000_000

    // What a real header never comes near: of one that is made of anything else than tensors, only a little is read.

    /// The longest name, and the longest text in the metadata, in bytes.
    private static let longestText = 16 << 20
    /// The most values in one entry.
    private static let mostValues = 10_000
    private static let mostMetadata = 100_000

    /// The types that the format knows: all of ours but two complex ones.
    static let types = Set(DType.allCases).subtracting([.c128, .c32])

    /// Types that pack several elements into a byte, by the bits of one.
    static let packedTypes = ["F4": 4, "F6_E2M3": 6, "F6_E3M2": 6]

    /// Whether the bytes look like this container: a length that fits the file, then a brace.
    static func matches(_ probe: Probe) -> Bool {
        guard probe.head.count > 8 else { return false }
        let length = probe.head[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let first = probe.head[8]
        return length <= UInt64(probe.region.count) && length <= UInt64(largestHeader)
            && (first == UInt8(ascii: "{") || first == 0x20 || first == 0x0A || first == 0x09
                || first == 0x0D)
    }

    static func read(_ region: ByteRegion) throws -> CheckpointContents {
        var reader = ByteReader(region)
        let length = try reader.integer(UInt64.self)
        guard length <= UInt64(largestHeader) else {
            throw CheckpointError(
                .damaged, "a header of \(length) bytes; at most \(largestHeader) are allowed")
        }
        guard Int(length) <= reader.remaining else {
            throw CheckpointError(
                .damaged,
                "expected a header of \(length) bytes, found \(reader.remaining): the download was probably "
                    + "cut short")
        }
        let (placed, metadata) = try header(&reader, length: Int(length))
        let data = try reader.region(reader.remaining)
        var contents = CheckpointContents()
        contents.metadata = metadata
        var end = 0
        for tensor in placed {
            guard tensor.range.lowerBound == end else {
                let what =
                    tensor.range.lowerBound > end ? "a hole before it" : "it overlaps the tensor before it"
                throw CheckpointError(
                    .damaged, "expected its bytes from \(end) on, found \(tensor.range.lowerBound): \(what)",
                    part: tensor.name)
            }
            end = tensor.range.upperBound
            guard end <= data.count else {
                throw CheckpointError(
                    .damaged,
                    "expected bytes up to \(end), found \(data.count): the download was probably cut short",
                    part: tensor.name)
            }
            guard let dtype = tensor.dtype else {
                try contents.add(
                    OtherEntry(
                        tensor.name, type: "tensor",
                        value: "\(tensor.typeName) \(tensor.shape), packed below a byte"))
                continue
            }
            let bytes = try data.slice(tensor.range.lowerBound, tensor.range.count)
            try contents.add(
                NamedTensor(
                    tensor.name,
                    try TensorView(storage: .bytes(bytes, .little), dtype: dtype, shape: tensor.shape)))
        }
        guard end == data.count else {
            throw CheckpointError(
                .damaged, "\(data.count - end) bytes follow the last tensor, which belong to none",
                offset: region.start + 8 + Int(length) + end)
        }
        return contents
    }

    /// The tensors in the order of their bytes, and the texts beside them; leaves `reader` at the first byte.
    static func header(
        _ reader: inout ByteReader, length: Int
    ) throws -> (tensors: [Placed], metadata: [(key: String, value: String)]) {
        var texts: [(key: String, value: String)] = []
        var placed: [Placed] = []
        try JSONParser.read(try reader.region(length)) { parser in
            guard parser.isAtObject else { throw CheckpointError(.damaged, "the header is no JSON object") }
            parser.longestText = longestText
            var names = try parser.object()
            while let name = try parser.nextKey(&names) {
                if name == "__metadata__" {
                    texts = try metadata(&parser)
                } else {
                    parser.valuesLeft = mostValues
                    let entry = try parser.value()
                    do {
                        placed.append(try Placed(name, entry, after: placed.last))
                    } catch {
                        throw CheckpointError(error, part: name)
                    }
                }
            }
        }
        placed.sort {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        return (placed, texts)
    }

    private static func metadata(_ parser: inout JSONParser) throws -> [(key: String, value: String)] {
        guard parser.isAtObject else {
            throw CheckpointError(.damaged, "__metadata__ is no JSON object")
        }
        var metadata: [(key: String, value: String)] = []
        var keys = try parser.object()
        while let key = try parser.nextKey(&keys) {
            parser.valuesLeft = mostValues
            guard let text = try parser.value().string else {
                throw CheckpointError(.damaged, "expected text", part: "__metadata__.\(key)")
            }
            guard metadata.count < mostMetadata else {
                throw CheckpointError(.unsupported, "more than \(mostMetadata) entries", part: "__metadata__")
            }
            metadata.append((key, text))
        }
        return metadata
    }

    /// One entry of the header.
    struct Placed {
        let name: String
        let typeName: String
        /// Nil for types whose elements do not fill a byte: they are listed, but are no tensors of ours.
        let dtype: DType?
        let shape: Shape
        let range: Range<Int>

        /// - Parameter last: the entry before, whose shape is shared where it is the same: most layers are alike.
        init(_ name: String, _ value: JSONValue, after last: Placed?) throws {
            guard value.members != nil else { throw CheckpointError(.damaged, "its entry is no JSON object") }
            guard let typeName = value["dtype"]?.string else {
                throw CheckpointError(.damaged, "it has no dtype")
            }
            let bits: Int
            if let dtype = DType(rawValue: typeName), SafetensorsReader.types.contains(dtype) {
                (self.dtype, bits) = (dtype, dtype.itemSize * 8)
            } else if let packed = SafetensorsReader.packedTypes[typeName] {
                (dtype, bits) = (nil, packed)
            } else {
                throw CheckpointError(
                    .unsupported, "elements of type \(typeName), which is not among those known")
            }
            self.typeName = typeName
            guard let lengths = value["shape"]?.array else {
                throw CheckpointError(.damaged, "it has no shape")
            }
            guard let offsets = value["data_offsets"]?.array, offsets.count == 2,
                let start = offsets[0].integer,
                let end = offsets[1].integer, start >= 0, start <= end
            else { throw CheckpointError(.damaged, "expected data_offsets of two numbers in order") }
            self.name = name
            let shape = try Shape(
                try lengths.map {
                    guard let length = $0.integer else {
                        throw CheckpointError(
                            .damaged, "expected whole numbers in its shape, found \($0.compact)")
                    }
                    return length
                })
            self.shape = last.map { $0.shape == shape ? $0.shape : shape } ?? shape
            range = start..<end
            let (size, overflow) = shape.elementCount.multipliedReportingOverflow(by: bits)
            guard !overflow, size.isMultiple(of: 8), size / 8 == range.count else {
                throw CheckpointError(
                    .damaged,
                    "shape \(shape) in \(typeName) takes \(overflow ? "too many" : String(size / 8)) bytes, "
                        + "found \(range.count)")
            }
        }
    }
}
