import Foundation
import TestSupport
import Testing

@testable import TensorCore

/// The manual page and the shells' completions, both made of the declarations of the arguments.
@Suite struct ManualTests {
    private static func subcommands() throws -> [JSONValue] {
        let help = try Run(["--experimental-dump-help"]).json()
        return try #require(help["command"]?["subcommands"]?.array)
    }

    private static func run(_ path: String, _ words: [String], input: Data) throws -> (
        status: Int32, text: String
    ) {
        let folder = try TemporaryFolder()
        let file = try folder.file("input", Array(input))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = words + [file]
        process.currentDirectoryURL = URL(fileURLWithPath: Fixtures.folder)
        process.environment = ProcessInfo.processInfo.environment.merging(["VIT": Run.executable]) { $1 }
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, pipe)
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    @Test func everythingIsInThePage() throws {
        let page = try Run(["manual"]).text.replacing("\\-", with: "-")
        for command in try Self.subcommands() {
            let name = try #require(command["commandName"]?.string)
            guard name != "help" else { continue }
            let section = try #require(
                page.components(separatedBy: "\n.SS ").first { $0.hasPrefix("\(name) ") })
            #expect(section.contains(".B EXAMPLES"), "\(name)")
            for argument in command["arguments"]?.array ?? [] where argument["abstract"] != nil {
                let word = try #require(
                    argument["preferredName"]?["name"]?.string ?? argument["valueName"]?.string)
                #expect(section.contains(word), "\(name): \(word)")
            }
        }
        #expect(page.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/groff")))
    func groffHasNothingToSay() throws {
        let page = try Run(["manual"]).output
        #expect(try Self.run("/usr/bin/groff", ["-man", "-Tutf8", "-ww", "-z"], input: page) == (0, ""))
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func everyShellHasCompletions(shell: String) throws {
        let script = try Run(["--generate-completion-script", shell])
        #expect(script.status == 0)
        #expect(script.text.contains("suggest-rules") && script.text.contains("layer-norm-epsilon"))
    }

    @Test(arguments: [
        ("ins", "inspect"), ("inspect mod", "models"), ("inspect models/plain.pth --stat", "--statistics"),
        ("init vit_tiny_patch16_2", "vit_tiny_patch16_224"), ("schemes kera", "keras-hub"),
        ("verify a.swt --gelu e", "exact"), ("convert a.pth b.npz --to big-vision-", "big-vision-scanned"),
    ])
    func bashCompletes(typed: String, word: String) throws {
        let script = """
            vit-convert() { "$VIT" "$@"; }
            source <(vit-convert --generate-completion-script bash)
            COMP_LINE='vit-convert \(typed)'; COMP_WORDS=($COMP_LINE); COMP_POINT=${#COMP_LINE}
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            "$(complete -p vit-convert | sed 's/.*-F \\([^ ]*\\).*/\\1/')" vit-convert "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let ending = try Self.run("/bin/bash", [], input: Data(script.utf8))
        #expect(ending.text.split(separator: "\n").map(String.init) == [word], "\(ending.text)")
    }
}
