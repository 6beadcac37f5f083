import Foundation
import TestSupport
import Testing

/// What shells offer, asked of the shells.
@Suite struct CompletionTests {
    /// A folder with a script for that shell, two checkpoints, and a file that is none.
    private static func folder(_ shell: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let script = try Run(["--generate-completion-script", shell])
        #expect(script.status == 0)
        for (name, bytes) in [("script", Array(script.output)), ("model.pth", []), ("inside.npz", [])] {
            _ = try folder.file(name, bytes)
        }
        return folder
    }

    private static func bash(_ words: [String]) throws -> [String] {
        let folder = try folder("bash")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let line = """
            source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            _vit-convert vit-convert "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        process.arguments = ["--norc", "-c", line, "bash"] + words
        return try offers(process, in: folder)
    }

    private static func offers(_ process: Process, in folder: TemporaryFolder) throws -> [String] {
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map {
            String($0.prefix { $0 != "\t" })
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/bash")))
    func bashOffersFilesForTheDefaultSubcommand() throws {
        #expect(try Self.bash(["vit-convert", "mod"]) == ["model.pth"])
        #expect(Set(try Self.bash(["vit-convert", "in"])) == ["inside.npz", "inspect", "init"])
        #expect(try Self.bash(["vit-convert", "model.pth", "in"]) == ["inside.npz"])
        #expect(try Self.bash(["vit-convert", "model.pth", "--dty"]) == ["--dtype"])
        #expect(try Self.bash(["vit-convert", "model.pth", "--dtype", "b"]) == ["bf16"])
        #expect(try Self.bash(["vit-convert", "--dtype", "f16", "mod"]) == ["model.pth"])
        #expect(try Self.bash(["vit-convert", "inspect", "mod"]) == ["model.pth"])
        #expect(try Self.bash(["vit-convert", "inspect", "--tr"]) == ["--tree"])
    }

    private static let fishPath = "/usr/bin/fish"

    private static func fish(_ line: String) throws -> [String] {
        let folder = try folder("fish")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: fishPath)
        process.environment = ProcessInfo.processInfo.environment.merging(["HOME": folder.path]) { $1 }
        process.arguments = ["--no-config", "-c", "source ./script; complete -C '\(line)'"]
        return try offers(process, in: folder)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: fishPath)))
    func fishOffersFilesForTheDefaultSubcommand() throws {
        #expect(try Self.fish("vit-convert mod") == ["model.pth"])
        #expect(Set(try Self.fish("vit-convert in")) == ["inside.npz", "inspect", "init"])
        #expect(try Self.fish("vit-convert model.pth in") == ["inside.npz"])
        #expect(try Self.fish("vit-convert model.pth --dty") == ["--dtype"])
        #expect(try Self.fish("vit-convert inspect mod") == ["model.pth"])
    }

    /// zsh completes on a terminal only: here its script is read, and searched for what is added to it.
    @Test func zshIsTold() throws {
        let script = try Run(["--generate-completion-script=zsh"]).text
        #expect(script.contains("        _files && ret=0\n        _describe -V subcommand subcommands"))
        #expect(script.contains("words=(convert \"${words[@]}\")\n"))
    }

    @Test func otherWordsAreTheParsers() throws {
        #expect(try Run(["--generate-completion-script", "tcsh"]).status == 64)
    }
}
