/// How far two tensors lie apart, in 64-bit arithmetic over the elements that are finite on both sides.
public struct DifferenceMeasure: Sendable, Equatable {
    /// The largest |a − b|.
    public private(set) var maxAbsolute = 0.0
    /// The largest |a − b| / |b| among elements with b ≠ 0.
    public private(set) var maxRelative = 0.0
    /// How many elements are a NaN on one side and none on the other.
    public private(set) var nanMismatches = 0
    /// How many elements are an infinity on one side and another number on the other.
    public private(set) var infiniteMismatches = 0
    /// How many elements lie outside the tolerance; a mismatch of NaNs or infinities always does.
    private(set) var outsideCount = 0
    private var finiteCount = 0
    private var sum = 0.0
    private var squares = 0.0
    private var product = 0.0
    private var squaresOfA = 0.0
    private var squaresOfB = 0.0

    /// The mean of |a − b|.
    public var meanAbsolute: Double { finiteCount > 0 ? sum / Double(finiteCount) : 0 }

    /// The length of a − b as a part of that of b, both as vectors: 0 when nothing differs, infinite when b is zero.
    public var relativeChange: Double {
        squares > 0 ? squares.squareRoot() / squaresOfB.squareRoot() : 0
    }

    /// The cosine of the angle between the tensors as vectors; 1 when both are zero.
    public var cosineSimilarity: Double {
        let norms = squaresOfA.squareRoot() * squaresOfB.squareRoot()
        guard norms > 0 else { return squaresOfA == squaresOfB ? 1 : 0 }
        return min(1, max(-1, product / norms))
    }

    /// No elements yet.
    init() {}

    /// Measures elements that face each other.
    init(
        _ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>, absolute: Double, relative: Double
    ) {
        for place in 0..<min(a.count, b.count) {
            let (left, right) = (a[place], b[place])
            guard left.isFinite, right.isFinite else {
                addUnmeasurable(left, right)
                continue
            }
            let difference = abs(left - right)
            if difference > 0 {
                maxAbsolute = max(maxAbsolute, difference)
                if right != 0 { maxRelative = max(maxRelative, difference / abs(right)) }
                if difference > absolute + relative * abs(right) { outsideCount += 1 }
                sum += difference
                squares += difference * difference
            }
            finiteCount += 1
            product += left * right
            squaresOfA += left * left
            squaresOfB += right * right
        }
    }

    private mutating func addUnmeasurable(_ left: Double, _ right: Double) {
        if left.isNaN != right.isNaN {
            nanMismatches += 1
            outsideCount += 1
        } else if !left.isNaN, left != right {
            infiniteMismatches += 1
            outsideCount += 1
        }
    }

    /// Takes in what was measured of further elements.
    mutating func merge(_ other: DifferenceMeasure) {
        maxAbsolute = max(maxAbsolute, other.maxAbsolute)
        maxRelative = max(maxRelative, other.maxRelative)
        nanMismatches += other.nanMismatches
        infiniteMismatches += other.infiniteMismatches
        outsideCount += other.outsideCount
        finiteCount += other.finiteCount
        sum += other.sum
        squares += other.squares
        product += other.product
        squaresOfA += other.squaresOfA
        squaresOfB += other.squaresOfB
    }
}
