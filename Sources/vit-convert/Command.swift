import ArgumentParser
import CSystem
import ViTToolkit

/// The root of the command: a table of its subcommands.
@main
struct Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vit-convert",
        abstract: "Convert, inspect, verify and compare Vision Transformer checkpoints.",
        discussion: """
            Nothing in a checkpoint is ever executed. Results go to standard output, remarks to standard error.

            EXAMPLES
              vit-convert jx_vit_base_patch16_224_in21k.pth out.swt
              vit-convert inspect model.pth --tree
              vit-convert verify out.swt --reference ref.npz

            EXIT CODES
              0   done
              1   the comparison failed, or --security found what is dangerous
              2   the input cannot be read, mapped or trusted
              64  wrong usage

            Of several inputs the worst counts. --version names the libraries in use, --version --verbose all of them.
            """,
        subcommands: [
            Convert.self, Inspect.self, Verify.self, Compare.self, Initialise.self, Schemes.self,
            SuggestRules.self, Benchmark.self, Run.self, Manual.self,
        ],
        defaultSubcommand: Convert.self)

    static func main() {
        system_handle_signals()
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "--version", arguments.dropFirst().allSatisfy({ $0 == "--verbose" }) {
            Standard.print(Version.text(isThorough: arguments.count > 1))
            return
        }
        if let script = CompletionScript.asked(by: arguments) {
            Standard.print(script)
            return
        }
        do {
            try Spelling.check(arguments)
            var command = try arguments.isEmpty ? parseAsRoot(["--help"]) : parseAsRoot(arguments)
            (command as? any Talking)?.talk.apply()
            defer { Meter.stop() }
            try command.run()
        } catch let code as ExitCode {
            exit(withError: code)
        } catch let error as Failure {
            Standard.error.write("vit-convert: \(error.underlying)\n")
            exit(withError: error.isUsage ? .validationFailure : ExitCode(2))
        } catch {
            exit(withError: error)
        }
    }
}

/// An error of the job itself, as opposed to one of usage.
struct Failure: Error {
    let underlying: any Error

    /// Whether the words of the command are wrong, whatever the files hold.
    var isUsage: Bool { (underlying as? ToolkitError)?.isUsage ?? false }
}

/// Runs a job; whatever it throws ends the command with its words on standard error, and exit code 2 or, when the
/// command itself is worded wrongly, 64.
func job<Result>(_ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let code as ExitCode {
        throw code
    } catch {
        throw Failure(underlying: error)
    }
}
