import TensorCore

/// Moments and bounds of a tensor's elements. What is not finite is counted and left out of the rest.
public struct TensorStatistics: Sendable, Equatable {
    /// The smallest element; 0 when there is none.
    public private(set) var minimum = 0.0
    /// The largest element.
    public private(set) var maximum = 0.0
    /// The mean.
    public private(set) var mean = 0.0
    /// How many elements are no number.
    public private(set) var notANumberCount = 0
    /// How many elements are infinite.
    public private(set) var infiniteCount = 0
    /// How many elements are zero.
    public private(set) var zeroCount = 0
    private var count = 0
    private var squares = 0.0

    /// The standard deviation of the elements as a whole population, as `numpy.std` gives it.
    public var standardDeviation: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }

    /// - Throws: `TensorError.noConversion` for complex tensors; whatever reading the file throws.
    /// - Complexity: linear; chunk by chunk, in 64-bit arithmetic.
    package init(_ view: TensorView) throws {
        try view.converted(to: .f64).forEachChunk(of: 1 << 20) { add($0) }
    }

    /// Merges a chunk's moments with those so far (Chan, Golub and LeVeque 1979).
    private mutating func add(_ chunk: UnsafeRawBufferPointer) {
        var (sum, chunkCount) = (0.0, 0)
        var (low, high) = (Double.infinity, -Double.infinity)
        let total = chunk.count / 8
        for index in 0..<total {
            let value = chunk.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
            guard value.isFinite else {
                if value.isNaN { notANumberCount += 1 } else { infiniteCount += 1 }
                continue
            }
            sum += value
            chunkCount += 1
            low = min(low, value)
            high = max(high, value)
            if value == 0 { zeroCount += 1 }
        }
        guard chunkCount > 0 else { return }
        let chunkMean = sum / Double(chunkCount)
        var chunkSquares = 0.0
        for index in 0..<total {
            let value = chunk.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
            if value.isFinite { chunkSquares += (value - chunkMean) * (value - chunkMean) }
        }
        (minimum, maximum) = count == 0 ? (low, high) : (min(minimum, low), max(maximum, high))
        let merged = Double(count + chunkCount)
        let distance = chunkMean - mean
        squares += chunkSquares + distance * distance * Double(count) * Double(chunkCount) / merged
        mean += distance * Double(chunkCount) / merged
        count += chunkCount
    }

    package var json: JSONValue {
        .object([
            "min": .number(minimum), "max": .number(maximum), "mean": .number(mean),
            "std": .number(standardDeviation), "nanCount": .integer(notANumberCount),
            "infCount": .integer(infiniteCount), "zeroCount": .integer(zeroCount),
        ])
    }
}
