import TensorCore
import ViT

extension BenchmarkReport {
    /// The report for programs; times are in seconds.
    package var json: JSONValue {
        .object([
            "name": .string(subject.name),
            "model": .string(ViTVariant.describe(subject.model.configuration)),
            "load": .object([
                "kind": .string(subject.isFile ? "file" : "initialised"),
                "seconds": .number(subject.loadSeconds),
                "copiedByteCount": .integer(subject.copiedByteCount),
            ]),
            "machine": .object([
                "processor": .string(machine.processor), "coreCount": .integer(machine.coreCount),
            ]),
            "threadCount": .integer(threadCount),
            "matrixProducts": .string(provider),
            "measurements": .array(measurements.map(\.json)),
        ])
    }
}

extension BenchmarkMeasurement {
    fileprivate var json: JSONValue {
        .object([
            "batch": .integer(batch),
            "imagesPerSecond": .number(imagesPerSecond),
            "latency": latency.json,
            "operationCount": .number(operationCount),
            "gigaflops": .number(gigaflops),
            "sgemm": .object([
                "threads": .string(usesLibraryThreads ? "library" : "tiles"),
                "seconds": products.json,
                "gigaflops": .number(productGigaflops),
            ]),
            "share": .number(share),
        ])
    }
}

extension Spread {
    fileprivate var json: JSONValue {
        .object([
            "count": .integer(count), "median": .number(median), "min": .number(minimum),
            "max": .number(maximum),
        ])
    }
}
