import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// What a benchmark reports; how fast anything is, no test says.
@Suite struct BenchmarkTests {
    static func report(_ batches: [Int], runs: Int) throws -> BenchmarkReport {
        var options = BenchmarkOptions()
        options.batches = batches
        options.runs = runs
        return try benchmark(BenchmarkSubject(Fixtures.path("models/vit_demo.pth")), options: options)
    }

    @Test func eachBatchIsMeasuredAsOftenAsAskedFor() throws {
        let report = try Self.report([2, 1], runs: 3)
        #expect(report.measurements.map(\.batch) == [2, 1])
        for measurement in report.measurements {
            #expect(measurement.latency.count == 3 && measurement.products.count == 3)
            #expect(measurement.latency.minimum > 0)
            #expect(measurement.latency.minimum <= measurement.latency.median)
            #expect(measurement.latency.median <= measurement.latency.maximum)
            let products = measurement.operationCount / measurement.products.median / 1e9
            #expect(measurement.productGigaflops == products)
            #expect(abs(measurement.share - measurement.gigaflops / products) < 1e-12)
            #expect(
                measurement.imagesPerSecond == Double(measurement.batch) / measurement.latency.median)
        }
        let (two, one) = (report.measurements[0].operationCount, report.measurements[1].operationCount)
        #expect(one > 1e6 && two == 2 * one)
        #expect(report.subject.isFile && report.threadCount == threadCount)
    }

    @Test func spreadsHaveTheMedianOfNumpy() {
        #expect(Spread([3, 1, 2]).median == 2)
        #expect(Spread([4, 1, 3, 2]).median == 2.5)
        #expect(Spread([5]).minimum == 5 && Spread([5]).maximum == 5)
    }

    @Test func theTableIsMarkdown() throws {
        let lines = "\(try Self.report([1, 8], runs: 1))".split(
            separator: "\n", omittingEmptySubsequences: false)
        let table = lines.filter { $0.hasPrefix("|") }
        #expect(table.count == 4)
        #expect(Set(table.map { $0.filter { $0 == "|" }.count }) == [8])
        #expect(Set(table.map(\.count)).count == 1)
        #expect(table[0].contains("images/s") && table[0].contains("share"))
        #expect(table[1].allSatisfy { "|-:".contains($0) })
    }

    @Test(arguments: [
        (1.25, 1, "1.3"), (0.996, 2, "1.00"), (-0.04, 1, "0.0"), (12.0, 0, "12"), (3.05, 3, "3.050"),
    ])
    func numbersHaveFixedDigits(_ value: Double, _ digits: Int, _ text: String) {
        #expect(BenchmarkReport.fixed(value, digits) == text)
    }

    @Test func theJSONHasTheSameFigures() throws {
        let report = try Self.report([1], runs: 2)
        let json = try JSONParser.parse(Array(report.json.pretty.utf8))
        let measurement = try #require(json["measurements"]?.array?.first)
        #expect(measurement["batch"]?.integer == 1)
        #expect(measurement["latency"]?["median"]?.double == report.measurements[0].latency.median)
        #expect(measurement["share"]?.double == report.measurements[0].share)
        #expect(json["load"]?["kind"]?.string == "file")
        #expect(json["threadCount"]?.integer == threadCount)
    }

    @Test func parametersOfAnSwtStayInTheFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/demo.swt"
        try convert(Checkpoint(path: Fixtures.path("models/vit_demo.pth")), to: path)
        #expect(try BenchmarkSubject(path).copiedByteCount == 0)
        var options = ModelOptions()
        options.heads = 3
        let half = try BenchmarkSubject(Fixtures.path("models/half_bf16.safetensors"), options: options)
        #expect(half.copiedByteCount > 0)
    }

    @Test func badRequestsAreUsageErrors() {
        for (batches, runs) in [([0], 1), ([], 1), ([2000], 1), ([1], 0)] {
            let error = #expect(throws: ToolkitError.self) { try Self.report(batches, runs: runs) }
            #expect(error?.isUsage == true)
        }
        let error = #expect(throws: ToolkitError.self) { try BenchmarkSubject("vit_bas_patch16_224") }
        #expect(error?.isUsage == true)
        #expect("\(String(describing: error))".contains("vit_base_patch16_224"))
    }
}
