import Foundation
import TestSupport
import Testing

@testable import TensorCore

private let hasScript = FileManager.default.isExecutableFile(atPath: "/usr/bin/script")

/// What a person at a terminal sees. `script` (of Debian's essential bsdutils) makes one.
@Suite(.enabled(if: hasScript)) struct TerminalTests {
    /// Runs a shell's line, in which `$0` is ours, on a terminal of that many columns.
    private static func onTerminal(
        _ line: String, columns: Int = 80, environment: [String: String] = [:], screen: String = "/dev/null"
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
        let words =
            "stty cols \(columns); set -- '\(Run.executable)'; \(line.replacing("$0", with: "\"$1\""))"
        process.arguments = ["-qfec", words, screen]
        process.currentDirectoryURL = URL(fileURLWithPath: Fixtures.folder)
        var variables = ProcessInfo.processInfo.environment
        for name in ["COLUMNS", "NO_COLOR", "LC_ALL", "LC_CTYPE"] { variables[name] = nil }
        variables.merge(["TERM": "xterm", "LANG": "C.UTF-8"]) { $1 }
        process.environment = variables.merging(environment) { $1 }
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, pipe)
        process.standardInput = FileHandle.nullDevice
        // Tests run on threads that no signal reaches, and children would inherit that.
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self).replacing("\r\n", with: "\n")
    }

    private static let escape = "\u{1B}["
    private static let verify = "$0 verify models/vit_demo.pth --reference models/vit_demo.reference.npz"

    @Test func coloursAreForTerminals() throws {
        #expect(try Self.onTerminal(Self.verify).contains("\u{1B}[32mparity holds\u{1B}[0m"))
        #expect(try !Self.onTerminal(Self.verify + " | cat").contains("\u{1B}[32m"))
        #expect(try !Self.onTerminal(Self.verify, environment: ["NO_COLOR": "1"]).contains(Self.escape))
        #expect(try !Self.onTerminal(Self.verify, environment: ["TERM": "dumb"]).contains(Self.escape))
        #expect(try Self.onTerminal(Self.verify, environment: ["NO_COLOR": ""]).contains("\u{1B}[32m"))
        #expect(try !Self.onTerminal(Self.verify + " --json 2>/dev/null").contains(Self.escape))
    }

    @Test(arguments: [40, 64, 100]) func tablesFit(columns: Int) throws {
        let text = try Self.onTerminal(
            "$0 inspect schemes/torch/*.pth models/vit_demo.pth 2>/dev/null", columns: columns,
            environment: ["NO_COLOR": "1"])
        let lines = text.split(separator: "\n")
        #expect(lines.count > 60)
        let wide = lines.filter { $0.count > max(columns, 64) }
        #expect(wide.isEmpty, "\(wide)")
    }

    @Test func whatIsPipedIsWhole() throws {
        let line = "$0 inspect models/vit_demo.pth 2>/dev/null"
        let piped = try Self.onTerminal(line + " | cat", columns: 40, environment: ["COLUMNS": "30"])
        #expect(piped == (try Run(["inspect", "models/vit_demo.pth"]).text))
        #expect(piped.contains("\nblocks.0.mlp.fc1.weight    F32  [256, 128]\n"))
    }

    @Test func sizesHaveBars() throws {
        let line = "$0 inspect models/vit_demo.pth"
        let text = try Self.onTerminal(line, environment: ["NO_COLOR": "1"])
        #expect(text.contains(" 196.6 kB  ████████████\n"), "\(text)")
        let plain = try Self.onTerminal(line, environment: ["NO_COLOR": "1", "LANG": "C"])
        #expect(plain.contains(" 196.6 kB  ############\n"))
    }

    /// The pipe stays open until the line is there, however long that takes. (What is looked for does not match itself:
    /// the screen's first line is the command.)
    @Test func longerJobsAreTold() throws {
        let folder = try TemporaryFolder()
        let screen = folder.path + "screen"
        let slow = "{ cat models/vit_demo.pth; until grep -q 'pipe[d]' '\(screen)'; do sleep 0.05; done; }"
        let text = try Self.onTerminal("\(slow) | $0 inspect -", columns: 60, screen: screen)
        let told = try #require(text.range(of: "\r", options: .backwards))
        let lines = text[..<told.lowerBound].split(separator: "\r")
        #expect(lines.allSatisfy { $0.hasPrefix("reading what is piped  ") && $0.hasSuffix("\u{1B}[K") })
        #expect(lines.first?.contains("  1.2 MB  ") == true)
        // The last of them is cleared before anything else is written.
        #expect(text[told.upperBound...].hasPrefix("\u{1B}[Kfile "))
    }

    @Test func aTerminalIsNeitherReadNorWrittenTo() throws {
        let read = try Self.onTerminal("$0 inspect -; echo \"status $?\"")
        #expect(read.contains("standard input is a terminal") && read.contains("status 64"), "\(read)")
        let written = try Self.onTerminal("$0 models/vit_demo.pth -; echo \"status $?\"")
        #expect(written.contains("standard output is a terminal") && written.contains("status 64"))
    }

    /// The runs go on until the line is there.
    @Test func aBenchmarkIsTold() throws {
        let folder = try TemporaryFolder()
        let screen = folder.path + "screen"
        let line = """
            $0 benchmark models/vit_demo.pth --batch 1 --runs 100000 & ours=$!
            until grep -q 'measurin[g]' '\(screen)' || ! kill -0 $ours; do sleep 0.05; done
            kill -TERM $ours; wait $ours; echo "status $?"
            """
        let text = try Self.onTerminal(line, columns: 90, screen: screen)
        let told = try #require(text.range(of: "\rmeasuring 1 image at a time  "))
        #expect(text[told.upperBound...].prefix(60).contains(" of 100000 runs"), "\(text)")
        #expect(text.contains("status 143"))
    }

    @Test func aSignalLeavesNoLine() throws {
        let folder = try TemporaryFolder()
        let screen = folder.path + "screen"
        let line = """
            mkfifo '\(folder.path)pipe'; { cat models/vit_demo.pth; exec sleep 100; } > '\(folder.path)pipe' & feeder=$!
            $0 inspect - < '\(folder.path)pipe' & ours=$!
            until grep -q 'pipe[d]' '\(screen)'; do sleep 0.05; done
            kill -TERM $ours; wait $ours; echo "status $?"; kill $feeder
            """
        let text = try Self.onTerminal(line, columns: 60, screen: screen)
        let told = try #require(text.range(of: "reading what is piped", options: .backwards))
        let rest = text[told.upperBound...]
        #expect(rest.contains("\r\u{1B}[K"))
        #expect(rest.contains("status 143"))
    }

    @Test func quietSaysNoRemarks() throws {
        let words = ["models/vit_demo.pth", "/tmp/none.swt", "--dry-run"]
        #expect(try Run(words).error.hasPrefix("remark: "))
        #expect(try Run(words + ["--quiet"]).error.isEmpty)
        #expect(try Run(words + ["-q", "-v"]).status == 64)
    }

    @Test func verboseSaysEachRule() throws {
        let run = try Run(["schemes/jax/jax_plain.npz", "/tmp/none.swt", "--dry-run", "--verbose"])
        let rule =
            "jax: blocks.0.attn.proj.weight ← Transformer/encoderblock_0/MultiHeadDotProductAttention_1/out/kernel: "
        #expect(run.error.contains(rule), "\(run.error)")
    }
}
