import ArgumentParser
import ViTToolkit

/// A page beside the results; shared by the subcommands that can write one.
struct ReportArguments: ParsableArguments {
    @Option(
        name: .customLong("report"),
        help: ArgumentHelp(
            "Write a page for a browser, in one file that needs no network.", valueName: "out.html"),
        completion: .file(extensions: ["html"]))
    var path: String?

    func validate() throws {
        if let path, !path.lowercased().hasSuffix(".html") {
            throw ValidationError("The file for --report must end in .html.")
        }
    }

    /// Refuses several inputs: a page is about one.
    func prove(_ inputs: Inputs) throws {
        if path != nil, inputs.areSeveral {
            throw ValidationError("--report takes one checkpoint, or one to compare with; found several.")
        }
    }

    /// The page's file, before anything that takes long; nil when none was asked for.
    func file(about checkpoints: [Checkpoint], reading others: [String]) throws -> ReportFile? {
        try path.map { try ReportFile(path: $0, about: checkpoints, reading: others) }
    }
}
