import ArgumentParser
import ViTToolkit

struct Benchmark: ParsableCommand, Talking {
    static let configuration = CommandConfiguration(
        abstract: "Measure a model's forward pass, and what the machine allows.",
        discussion: """
            MODEL is any checkpoint that can be converted, or the name of a variant (see: vit-convert init --help), which \
            is initialised in memory. Each run of the model is followed by the matrix products of the same model alone, \
            one after another, computed by the library with its own threads: the share says how much of that rate the \
            model reaches. The result is Markdown.

            EXAMPLES
              vit-convert benchmark out.swt
              vit-convert benchmark vit_large_patch16_224 --batch 1,4,16 --threads 2
              vit-convert benchmark out.swt --batch 1 --runs 50 --json
            """)

    @Argument(
        help: ArgumentHelp("A checkpoint, or a variant's name.", valueName: "model"), completion: .file())
    var name: String

    @Option(help: ArgumentHelp("Images at a time, one measurement each.", valueName: "N,…"))
    var batch: Batches = Batches(counts: BenchmarkOptions().batches)

    @Option(help: "How often each is run; by default five times or for four seconds, whichever is longer.")
    var runs: Int?

    @OptionGroup var threads: ThreadArguments
    @OptionGroup var model: ModelArguments

    @OptionGroup var talk: TalkArguments

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if let runs, !(1...100_000).contains(runs) {
            throw ValidationError("--runs must lie between 1 and 100000.")
        }
    }

    func run() throws {
        threads.apply()
        let report = try job {
            let subject = try BenchmarkSubject(name, options: try model.options())
            Standard.remark(subject.remarks + [MatrixProduct.remark, MatrixProduct.limit].compactMap { $0 })
            var options = BenchmarkOptions()
            options.batches = batch.counts
            options.runs = runs
            return try benchmark(subject, options: options)
        }
        Standard.print(json ? report.json.pretty : "\(report)")
    }
}

/// Numbers of images, as `1,8`.
struct Batches: ExpressibleByArgument {
    let counts: [Int]

    init(counts: [Int]) { self.counts = counts }

    init?(argument: String) {
        let counts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard counts.allSatisfy({ (1...1024).contains($0) }), counts.count <= 64 else { return nil }
        self.init(counts: counts)
    }

    var defaultValueDescription: String { counts.map { "\($0)" }.joined(separator: ",") }
}

/// How many threads compute.
struct ThreadArguments: ParsableArguments {
    @Option(help: "The number of threads; by default all processors. Results are the same for any.")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads must lie between 1 and 1024.")
        }
    }

    func apply() {
        if let threads { threadCount = threads }
    }
}
