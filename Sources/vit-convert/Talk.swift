import ArgumentParser
import Synchronization
import ViTToolkit

/// How much a command says beside its results.
struct TalkArguments: ParsableArguments {
    @Flag(name: .shortAndLong, help: "No remarks and no progress; errors are told all the same.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Say of each parameter what it is made of, and by which steps.")
    var verbose = false

    func validate() throws {
        if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
    }

    func apply() {
        Self.silence.store(quiet, ordering: .relaxed)
        if verbose { Progress.listen { Standard.error.write("\($0)\n") } }
        if !quiet, Terminal.error.isInteractive { Meter.start() }
    }

    private static let silence = Atomic<Bool>(false)
    static var isQuiet: Bool { silence.load(ordering: .relaxed) }
}

/// A subcommand that takes these arguments.
protocol Talking {
    var talk: TalkArguments { get }
}
