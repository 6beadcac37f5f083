import TensorCore
import ViT

/// How a model is to be measured.
public struct BenchmarkOptions: Sendable {
    /// Images at a time; one measurement each.
    public var batches = [1, 8]
    /// How often each is run; nil for at least five times and about two seconds.
    public var runs: Int?

    /// Measures batches of 1 and 8.
    public init() {}
}

/// How many threads a forward pass takes, in the whole process; the processors at hand unless set.
///
/// Results are the same for any number.
public var threadCount: Int {
    get { Parallel.threadCount }
    set { Parallel.threadCount = newValue }
}

/// Measures forward passes of a model, and by turns the same machine's matrix products at the model's shapes.
///
/// One run of the products alone, computed by the library with its own threads, follows each forward pass, so
/// that both see the same machine, whatever else it does meanwhile.
///
/// - Parameters:
///   - subject: the model.
///   - options: batches, and how long or how often each is measured.
/// - Throws: `ToolkitError.usage` for a batch or a number of runs below 1 or beyond reason; `ViTError`.
public func benchmark(
    _ subject: BenchmarkSubject, options: BenchmarkOptions = BenchmarkOptions()
) throws -> BenchmarkReport {
    guard !options.batches.isEmpty, options.batches.allSatisfy({ (1...1024).contains($0) }) else {
        throw ToolkitError.usage("a batch must hold 1 to 1024 images")
    }
    if let runs = options.runs, !(1...100_000).contains(runs) {
        throw ToolkitError.usage("the number of runs must lie between 1 and 100000")
    }
    return BenchmarkReport(
        subject: subject, machine: Machine.current, threadCount: threadCount,
        provider: MatrixProduct.providerDescription,
        measurements: try options.batches.map { try measure(subject.model, batch: $0, options) })
}

private func measure(
    _ model: VisionTransformer, batch: Int, _ options: BenchmarkOptions
) throws -> BenchmarkMeasurement {
    let configuration = model.configuration
    let images = try randomImages(batch, configuration)
    let products = BareProducts(configuration.matrixProducts(batch: batch))
    let clock = ContinuousClock()
    var (latencies, productTimes): ([Double], [Double]) = ([], [])

    let first = clock.now
    _ = try model.forward(images)
    let usesLibraryThreads = products.run()
    let begin = clock.now
    let task = Progress.begin(
        "measuring \(batch == 1 ? "1 image" : "\(batch) images") at a time",
        of: options.runs ?? max(leastRuns, Int(leastSeconds / (begin - first).seconds)), unit: .pieces("runs")
    )
    defer { task?.end() }
    while true {
        settle()
        var start = clock.now
        _ = try model.forward(images)
        latencies.append((clock.now - start).seconds)
        settle()
        start = clock.now
        products.run()
        productTimes.append((clock.now - start).seconds)
        task?.advance(by: 1)
        if let runs = options.runs {
            if latencies.count >= runs { break }
        } else if latencies.count >= leastRuns, (clock.now - begin).seconds >= leastSeconds {
            break
        }
    }
    return BenchmarkMeasurement(
        batch: batch, latencies: latencies, productTimes: productTimes,
        operationCount: products.operationCount, usesLibraryThreads: usesLibraryThreads)
}

private let leastRuns = 5
private let leastSeconds = 4.0

/// Lets threads that have just worked fall asleep: OpenBLAS's look for more work for 26 ms on a core of 2.6 GHz.
private func settle() { usleep(40_000) }

private func randomImages(_ count: Int, _ configuration: ViTConfiguration) throws -> FloatTensor {
    let size = configuration.imageSize
    let shape = try Shape([count, configuration.channels, size.height, size.width])
    var source = RandomSource(seed: 2)
    return try FloatTensor(
        shape: shape, values: (0..<shape.elementCount).map { _ in Float(2 * source.uniform() - 1) })
}
