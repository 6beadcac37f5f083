import TensorCore

/// The machine that a measurement was made on.
public struct Machine: Sendable, Equatable {
    /// The processor, as it calls itself: "AMD EPYC 9654 96-Core Processor".
    public let processor: String
    /// The processors at hand.
    public let coreCount: Int

    /// This one.
    public static var current: Machine {
        Machine(processor: name ?? "unknown processor", coreCount: Parallel.processorCount)
    }

    #if canImport(Darwin)
        private static var name: String? {
            var count = 0
            guard sysctlbyname("machdep.cpu.brand_string", nil, &count, nil, 0) == 0 else { return nil }
            var bytes = [UInt8](repeating: 0, count: count)
            guard sysctlbyname("machdep.cpu.brand_string", &bytes, &count, nil, 0) == 0 else { return nil }
            return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    #else
        /// From /proc/cpuinfo, which on x86 has a line "model name : …" for each processor.
        private static var name: String? {
            guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 14)
            let count = fread(&bytes, 1, bytes.count, file)
            let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
            let line = lines.first { $0.hasPrefix("model name") } ?? lines.first { $0.hasPrefix("CPU part") }
            let value = line?.split(separator: ":", maxSplits: 1).last?.drop { $0 == " " || $0 == "\t" }
            return value.map(String.init)
        }
    #endif
}
