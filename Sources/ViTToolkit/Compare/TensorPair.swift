import Checkpoints
import Synchronization
import TensorCore
import WeightMapping

/// Two tensors of one shape, read side by side in pieces on all cores.
struct TensorPair {
    private let a: Source
    private let b: Source
    private let pieces: RowMajorPieces

    private struct Source: Sendable {
        let view: TensorView
        let path: String
        let name: String

        init(_ tensor: MappedTensor, of checkpoint: Checkpoint) throws {
            path = checkpoint.path
            name = tensor.sources.joined(separator: ", ")
            do {
                view = try tensor.view.readableInPieces()
            } catch {
                throw CheckpointError(error, path: path, part: name)
            }
        }

        /// Row-major and little-endian, in memory.
        func bytes(_ pieces: RowMajorPieces, _ number: Int) throws -> ByteRegion {
            do {
                return try pieces.piece(number, of: view).bytes().loaded()
            } catch {
                throw CheckpointError(error, path: path, part: name)
            }
        }
    }

    /// So many elements of both sides, as 64-bit floats too, stay in a core's own cache.
    private static let pieceLimit = 1 << 16

    init(
        _ a: MappedTensor, of fileA: Checkpoint, _ b: MappedTensor, of fileB: Checkpoint,
        pieceLimit: Int = Self.pieceLimit
    ) throws {
        self.a = try Source(a, of: fileA)
        self.b = try Source(b, of: fileB)
        pieces = RowMajorPieces(a.view.shape, limit: pieceLimit)
    }

    private var types: (a: DType, b: DType) { (a.view.dtype, b.view.dtype) }

    /// Whether type and bits are the same.
    func isIdentical() throws -> Bool {
        guard types.a == types.b else { return false }
        return try allSatisfy { Self.hasSameBytes($0, $1) }
    }

    /// Whether one converted to the other's type is the other; see `TensorDifference.Status.equalAfterCast`.
    func isEqualAfterCast() throws -> Bool {
        let (a, b) = types
        guard a != b else { return false }
        var targets = [a, b].filter {
            ScalarConversion.isSupported(from: a, to: $0) && ScalarConversion.isSupported(from: b, to: $0)
        }
        if targets.count == 2, a.itemSize != b.itemSize { targets = [a.itemSize < b.itemSize ? a : b] }
        return try targets.contains { target in
            try allSatisfy { try Self.isEqual($0, a, $1, b, as: target) }
        }
    }

    /// How far the elements lie apart, and how many differ: in bits, or in value where the types differ.
    func difference(_ options: ComparisonOptions) throws -> (differingCount: Int, measure: DifferenceMeasure?)
    {
        let (a, b) = types
        // Complex numbers are counted only.
        guard !a.isComplex, !b.isComplex else {
            guard a == b else { return (self.a.view.shape.elementCount, nil) }
            let counts = try map { Self.differingBits($0, $1, itemSize: a.itemSize) }
            return (counts.reduce(0, +), nil)
        }
        let (absolute, relative) = (options.absolute, options.relative)
        let parts = try map { left, right in
            try Self.withDoubles(left, a, right, b) { x, y in
                let count =
                    a == b
                    ? Self.differingBits(left, right, itemSize: a.itemSize) : Self.differingValues(x, y)
                return (count, DifferenceMeasure(x, y, absolute: absolute, relative: relative))
            }
        }
        var result = (differingCount: 0, measure: DifferenceMeasure())
        for (count, measure) in parts {
            result.differingCount += count
            result.measure.merge(measure)
        }
        return result
    }

    // MARK: Pieces

    private typealias Bytes = UnsafeRawBufferPointer

    /// Whether all pieces are as asked; once one is not, no further one is read.
    private func allSatisfy(_ body: @Sendable (_ a: Bytes, _ b: Bytes) throws -> Bool) throws -> Bool {
        let failed = Atomic<Bool>(false)
        _ = try map(while: { !failed.load(ordering: .relaxed) }) { left, right in
            if try !body(left, right) { failed.store(true, ordering: .relaxed) }
        }
        return !failed.load(ordering: .relaxed)
    }

    /// What `body` makes of each piece, in order; pieces that come after the end of `condition` are left out.
    private func map<Value: Sendable>(
        while condition: @Sendable () -> Bool = { true },
        _ body: @Sendable (_ a: Bytes, _ b: Bytes) throws -> Value
    ) throws -> [Value] {
        let results = Mutex([Result<Value, any Error>?](repeating: nil, count: pieces.count))
        let (a, b, pieces) = (a, b, pieces)
        Parallel.forEach(pieces.count) { number in
            guard condition() else { return }
            let result = Result {
                let (left, right) = (try a.bytes(pieces, number), try b.bytes(pieces, number))
                return try withExtendedLifetime((left, right)) {
                    try body(try left.pointer(), try right.pointer())
                }
            }
            results.withLock { $0[number] = result }
        }
        return try results.withLock { $0 }.compactMap { try $0?.get() }
    }
}
