import ViT

/// The report in Markdown, to be put into an issue.
extension BenchmarkReport: CustomStringConvertible {
    /// The model, the machine, and a table with a row for each batch.
    public var description: String {
        let rows = measurements.map { measurement in
            [
                "\(measurement.batch)", Self.fixed(measurement.imagesPerSecond, 2),
                "\(Self.milliseconds(measurement.latency.median)) "
                    + "(\(Self.milliseconds(measurement.latency.minimum))–"
                    + "\(Self.milliseconds(measurement.latency.maximum)))",
                Self.fixed(measurement.gigaflops, 1), Self.fixed(measurement.productGigaflops, 1),
                Self.fixed(measurement.share, 3), "\(measurement.latency.count)",
            ]
        }
        let header = ["batch", "images/s", "latency, ms", "GFLOP/s", "sgemm GFLOP/s", "share", "runs"]
        return
            ([
                "\(subject.name): \(ViTVariant.describe(subject.model.configuration))",
                "\(machine.processor), \(Self.number(machine.coreCount, "core")), "
                    + "\(Self.number(threadCount, "thread")); \(provider)",
                loading, "",
            ] + Self.table(header, rows) + ["", explanation]).joined(separator: "\n")
    }

    private var loading: String {
        let time = "\(Self.milliseconds(subject.loadSeconds)) ms"
        guard subject.isFile else { return "initialised in \(time)" }
        let copied =
            subject.copiedByteCount == 0
            ? "parameters stay in the file"
            : "\(Self.fixed(Double(subject.copiedByteCount) / 1e6, 1)) MB of parameters copied"
        return "opened and built in \(time), \(copied)"
    }

    private var explanation: String {
        let products =
            measurements.allSatisfy(\.usesLibraryThreads)
            ? "the library alone, with as many threads," : "the same kernel and tiles alone"
        return
            "latency: median (least–most); sgemm: \(products) on the same products, by turns with the model"
    }

    /// Columns of equal width, numbers to the right.
    private static func table(_ header: [String], _ rows: [[String]]) -> [String] {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            "| "
                + zip(cells, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
                .joined(separator: " | ") + " |"
        }
        let rule =
            "|" + widths.map { String(repeating: "-", count: $0 + 1) + ":" }.joined(separator: "|") + "|"
        return [line(header), rule] + rows.map(line)
    }

    private static func number(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    private static func milliseconds(_ seconds: Double) -> String {
        fixed(seconds * 1000, seconds < 0.1 ? 2 : 1)
    }

    /// A number with so many digits after the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        let factor = (0..<digits).reduce(1) { product, _ in product * 10 }
        let scaled = Int((abs(value) * Double(factor)).rounded())
        let fraction = String(scaled % factor)
        let zeros = String(repeating: "0", count: max(0, digits - fraction.count))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return "\(sign)\(scaled / factor)" + (digits > 0 ? ".\(zeros)\(fraction)" : "")
    }
}
