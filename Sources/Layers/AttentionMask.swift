import TensorCore

/// Which keys a query does not see, or sees more or less of: numbers added to the scores before the softmax.
///
/// A mask has a row for each image, head and query; any of these three may be left open, and a row then holds for all
/// of them. A key that is hidden gets −∞ and thereby no weight. A query from which every key is hidden attends to
/// nothing: its weights and its output are 0, as `torch.nn.functional.scaled_dot_product_attention` has it.
///
/// Booleans mean what they mean in `torch.nn.Transformer` and `torch.nn.MultiheadAttention`: true is hidden. (In
/// `scaled_dot_product_attention` alone, torch has it the other way round.)
public struct AttentionMask: Sendable {
    /// The lengths of the mask's axes: `[images or 1, heads or 1, queries or 1, keys]`.
    public let shape: Shape
    /// What is added to the scores, where kernels can take it.
    private let bytes: HeapBytes

    /// A mask of numbers to add, torch's float masks.
    ///
    /// - Parameter bias: `[queries, keys]`, `[heads, queries, keys]` or `[images, heads, queries, keys]`; 1 leaves an
    ///   axis but the last one open.
    /// - Throws: `TensorError.incompatible` for another rank, for NaN and for +∞, which no softmax takes.
    public init(adding bias: FloatTensor) throws(TensorError) {
        guard (2...4).contains(bias.shape.rank) else {
            throw .incompatible(
                "an attention mask is [queries, keys], [heads, queries, keys] or [images, heads, queries, keys], "
                    + "found shape \(bias.shape)")
        }
        guard bias.values.allSatisfy({ $0 < .infinity }) else {
            throw .incompatible("an attention mask adds finite numbers or −∞, found NaN or +∞")
        }
        let open = [Int](repeating: 1, count: 4 - bias.shape.rank)
        shape = try Shape(open + bias.shape.dimensions)
        bytes = bias.values.withUnsafeBytes { HeapBytes($0) }
    }

    /// What is added to the scaled scores: `[images or 1, heads or 1, queries or 1, keys]`.
    public var bias: FloatTensor {
        var bias = FloatTensor(zeros: shape)
        bias.values.withUnsafeMutableBytes {
            $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.buffer[..<$0.count]))
        }
        return bias
    }

    /// A mask of booleans: true hides a key.
    ///
    /// - Parameters:
    ///   - hidden: as many as `shape` says, keys fastest.
    ///   - shape: as that of numbers to add.
    /// - Throws: `TensorError.incompatible` for another number of them, and for a rank but 2, 3 and 4.
    public init(hiding hidden: [Bool], shape: Shape) throws(TensorError) {
        try self.init(adding: FloatTensor(shape: shape, values: hidden.map { $0 ? -.infinity : 0 }))
    }

    /// A mask as torch takes it: booleans hide where they are true, numbers are added.
    ///
    /// - Throws: `TensorError.incompatible` as the other initializers; whatever reading the values throws.
    public init(_ view: TensorView) throws {
        let values = try FloatTensor(view)
        if view.dtype == .bool {
            try self.init(hiding: values.values.map { $0 != 0 }, shape: values.shape)
        } else {
            try self.init(adding: values)
        }
    }

    /// No query sees a later key: query i sees the keys 0…i. Torch's `generate_square_subsequent_mask` where both
    /// are as many.
    ///
    /// - Parameters:
    ///   - queries: their number.
    ///   - keys: their number.
    /// - Throws: `TensorError` when there are too many to count.
    public static func causal(queries: Int, keys: Int) throws(TensorError) -> AttentionMask {
        let shape = try Shape([queries, keys])
        var bias = FloatTensor(zeros: shape)
        for query in 0..<queries {
            for key in min(query + 1, keys)..<keys { bias.values[query * keys + key] = -.infinity }
        }
        return try AttentionMask(adding: bias)
    }

    /// Hides the keys that are padding, from every query and head: torch's `key_padding_mask`.
    ///
    /// - Parameter padding: for each image (or sentence) as many booleans as there are keys.
    /// - Throws: `TensorError.incompatible` when they are not as many for each.
    public static func padding(_ padding: [[Bool]]) throws(TensorError) -> AttentionMask {
        let keys = padding.first?.count ?? 0
        guard padding.allSatisfy({ $0.count == keys }) else {
            throw .incompatible("a padding mask has as many keys in each row")
        }
        return try AttentionMask(hiding: padding.flatMap(\.self), shape: Shape([padding.count, 1, 1, keys]))
    }

    /// The same from the lengths of sentences: of each, the first keys are seen.
    ///
    /// - Parameters:
    ///   - lengths: how many keys are seen, for each image or sentence.
    ///   - keys: the number of keys.
    /// - Throws: `TensorError.incompatible` for a length that is negative or beyond the number of keys.
    public static func padding(lengths: [Int], keys: Int) throws(TensorError) -> AttentionMask {
        guard keys >= 0, lengths.allSatisfy({ (0...keys).contains($0) }) else {
            throw .incompatible("expected lengths of 0 to \(keys), found \(lengths)")
        }
        return try padding(lengths.map { length in (0..<keys).map { $0 >= length } })
    }

    /// Both masks at once: what either hides is hidden, numbers add up.
    ///
    /// - Throws: `TensorError.incompatible` when an axis has two lengths of which neither is 1, or a sum overflows.
    public func combined(with other: AttentionMask) throws(TensorError) -> AttentionMask {
        let (mine, its) = (shape.dimensions, other.shape.dimensions)
        let (bias, otherBias) = (bias, other.bias)
        var dimensions = mine
        for axis in 0..<4 where mine[axis] != its[axis] {
            guard axis < 3, mine[axis] == 1 || its[axis] == 1 else {
                throw .incompatible(
                    "masks of shapes \(shape) and \(other.shape) do not go together")
            }
            dimensions[axis] = mine[axis] == 1 ? its[axis] : mine[axis]
        }
        var sum = FloatTensor(zeros: try Shape(dimensions))
        let keys = dimensions[3]
        for row in 0..<dimensions[0] * dimensions[1] * dimensions[2] {
            let place = (
                image: row / dimensions[2] / dimensions[1], head: row / dimensions[2] % dimensions[1],
                query: row % dimensions[2]
            )
            let first = keys * Self.row(place.image, place.head, place.query, of: mine)
            let second = keys * Self.row(place.image, place.head, place.query, of: its)
            for key in 0..<keys {
                sum.values[row * keys + key] = bias.values[first + key] + otherBias.values[second + key]
            }
        }
        return try AttentionMask(adding: sum)
    }

    /// Whether the mask has a row for each of these.
    ///
    /// - Throws: `TensorError.incompatible` with both shapes.
    package func requireFit(images: Int, heads: Int, queries: Int, keys: Int) throws(TensorError) {
        let wanted = [images, heads, queries, keys]
        for (axis, (length, expected)) in zip(shape.dimensions, wanted).enumerated() {
            guard length == expected || axis < 3 && length == 1 else {
                throw .incompatible(
                    "the attention mask's shape is \(shape) (images, heads, queries, keys; 1 for all of them), "
                        + "but the scores are \(Shape(unchecked: wanted))")
            }
        }
    }

    /// Where the row of an image, head and query stands; an axis of length 1 is open.
    private static func row(_ image: Int, _ head: Int, _ query: Int, of dimensions: [Int]) -> Int {
        (min(image, dimensions[0] - 1) * dimensions[1] + min(head, dimensions[1] - 1)) * dimensions[2]
            + min(query, dimensions[2] - 1)
    }

    /// The rows of some queries; all the same one where queries are open. The mask keeps them alive.
    func rows(image: Int, head: Int, queries: Range<Int>) -> Matrix {
        let (first, keys) = (Self.row(image, head, queries.lowerBound, of: shape.dimensions), shape[3])
        let start = bytes.buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
        return Matrix(
            start + first * keys, rows: queries.count, columns: keys, stride: shape[2] == 1 ? 0 : keys)
    }

    /// The mask of some of the images.
    package func images(_ range: Range<Int>) -> AttentionMask {
        guard shape[0] > 1 else { return self }
        let length = shape[1] * shape[2] * shape[3]
        return AttentionMask(
            shape: Shape(unchecked: [range.count] + shape.dimensions.dropFirst()),
            bytes: HeapBytes(
                UnsafeRawBufferPointer(
                    rebasing: bytes.buffer[4 * length * range.lowerBound..<4 * length * range.upperBound])))
    }

    private init(shape: Shape, bytes: HeapBytes) {
        self.shape = shape
        self.bytes = bytes
    }
}

extension AttentionMask: Equatable {
    /// Whether both add the same.
    public static func == (first: AttentionMask, second: AttentionMask) -> Bool { first.bias == second.bias }
}
