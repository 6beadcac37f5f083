import ViT

/// What a benchmark found.
public struct BenchmarkReport: Sendable {
    /// What was measured.
    public let subject: BenchmarkSubject
    /// Where.
    public let machine: Machine
    /// How many threads took part.
    public let threadCount: Int
    /// What computed the matrix products.
    public let provider: String
    /// One for each batch, in the order asked for.
    public let measurements: [BenchmarkMeasurement]
}

/// Forward passes of one batch, and the matrix products alone, by turns.
public struct BenchmarkMeasurement: Sendable {
    /// Images at a time.
    public let batch: Int
    /// Of one forward pass each, in seconds.
    public let latency: Spread
    /// Of all the products alone, in seconds.
    public let products: Spread
    /// Operations of a forward pass's matrix products, two for each multiplication and addition.
    public let operationCount: Double
    /// Whether the library's own threads computed the products alone; else they were cut as in a forward pass.
    public let usesLibraryThreads: Bool

    init(
        batch: Int, latencies: [Double], productTimes: [Double], operationCount: Double,
        usesLibraryThreads: Bool
    ) {
        self.batch = batch
        latency = Spread(latencies)
        products = Spread(productTimes)
        self.operationCount = operationCount
        self.usesLibraryThreads = usesLibraryThreads
    }

    /// At the median latency.
    public var imagesPerSecond: Double { Double(batch) / latency.median }

    /// Billions of operations of matrix products per second, at the median latency.
    public var gigaflops: Double { operationCount / latency.median / 1e9 }

    /// The same of the products alone: what the machine allows.
    public var productGigaflops: Double { operationCount / products.median / 1e9 }

    /// The part of the products' own rate that the forward pass reaches.
    public var share: Double { products.median / latency.median }
}

/// A few numbers of a sample of times.
public struct Spread: Sendable, Equatable {
    /// How many there are.
    public let count: Int
    /// The one in the middle, or the mean of the two.
    public let median: Double
    /// The smallest.
    public let minimum: Double
    /// The largest.
    public let maximum: Double

    init(_ values: [Double]) {
        let sorted = values.sorted()
        count = sorted.count
        minimum = sorted.first ?? .nan
        maximum = sorted.last ?? .nan
        median = sorted.isEmpty ? .nan : (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
