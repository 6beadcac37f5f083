import Foundation
import TensorCore
import TestSupport
import Testing

/// Places that cannot be written to, files that change, and two runs at once.
@Suite(.enabled(if: Trial.shim != nil && Trial.isCleanedUp, "the library of faults cannot be loaded"))
struct CircumstanceTests {
    /// A conversion that has to fail: exit code 2, a message with the file and the reason, all else as it was.
    private func refuses(
        _ trial: Trial, _ output: String, _ reasons: String..., fault: Trial.Fault = .init(),
        options: [String] = []
    ) throws {
        let before = trial.state()
        let ending = try trial.convert(to: output, options, fault)
        #expect(ending.status == 2 && !ending.isSignal, "\(ending.output)")
        for reason in reasons { #expect(ending.output.contains(reason), "\(ending.output)") }
        #expect(trial.state() == before)
    }

    @Test func whatIsNoFileIsNotReplaced() throws {
        let trial = try Trial()
        mkdir(trial.outputs + "folder.swt", 0o777)
        mkfifo(trial.outputs + "fifo.npz", 0o666)
        try refuses(trial, "folder.swt", "folder.swt", "is a folder")
        // Among the state a FIFO would be read.
        let ending = try Trial.run(Trial.executable, trial.words("fifo.npz"), [:])
        #expect(
            ending.status == 2
                && ending.output.contains("fifo.npz: cannot write there: it is no regular file"))
        unlink(trial.outputs + "fifo.npz")
        try refuses(trial, "nowhere/out.swt", "nowhere", "No such file or directory")
    }

    @Test func theInputIsNotWrittenOver() throws {
        let trial = try Trial()
        let input = try Fixtures.bytes("models/plain.pth")
        #expect(link(trial.input, trial.outputs + "hard.pth") == 0)
        #expect(symlink(trial.input, trial.outputs + "soft.pth") == 0)
        try refuses(trial, "hard.pth", "hard.pth")
        try refuses(trial, "soft.pth", "soft.pth")
        try refuses(trial, "../in.pth", "in.pth")
        #expect(try ByteRegion(try OpenFile(path: trial.input)).array() == input)
        let reference = try Fixtures.bytes("models/plain.reference.safetensors")
        let path = try trial.folder.file("out/reference.safetensors", reference)
        try refuses(trial, "reference.safetensors", "reference.safetensors", options: ["--reference", path])
    }

    @Test func aSymbolicLinkStaysAndLeadsToTheResult() throws {
        let trial = try Trial()
        try trial.convert(to: "plain.swt")
        let expected = trial.state()["plain.swt"]
        unlink(trial.outputs + "plain.swt")
        mkdir(trial.outputs + "sub", 0o777)
        #expect(symlink("sub/target.swt", trial.outputs + "one.swt") == 0)
        #expect(symlink("one.swt", trial.outputs + "two.swt") == 0)
        // Dangling at first, then not.
        for _ in 0..<2 {
            #expect(try trial.convert(to: "two.swt").status == 0)
            let manager = FileManager.default
            #expect(
                try manager.destinationOfSymbolicLink(atPath: trial.outputs + "one.swt") == "sub/target.swt")
            #expect(try manager.destinationOfSymbolicLink(atPath: trial.outputs + "two.swt") == "one.swt")
            #expect(manager.contents(atPath: trial.outputs + "sub/target.swt") == expected)
            #expect(Set(trial.state().keys) == ["one.swt", "two.swt", "sub", "sub/target.swt"])
        }
        #expect(symlink("circle.swt", trial.outputs + "circle.swt") == 0)
        try refuses(trial, "circle.swt", "circle.swt", "Too many levels of symbolic links")
    }

    @Test func aLongNameIsAsGoodAsAnother() throws {
        for isNamed in [false, true] {
            let trial = try Trial(isNamed: isNamed)
            let name = String(repeating: "é", count: 125) + ".swt"
            for _ in 0..<2 { #expect(try trial.convert(to: name).status == 0) }
            #expect(Array(trial.state().keys) == [name])
        }
    }

    @Test(arguments: ["model.swt", "model.npz", "model.pth", "model.h5"])
    func aFullDiskIsAnError(_ name: String) throws {
        for isNamed in [false, true] {
            let trial = try Trial(isNamed: isNamed)
            try trial.convert(to: name, ["--num-classes", "4"])
            let before = trial.state()
            // A limit on the size of files fails the same calls with another code.
            for blocks in [0, 1, 8, 64] {
                let script = "ulimit -f \(blocks); exec \"$0\" \"$@\""
                var variables = trial.variables(.init())
                variables["FAULT_COUNT"] = ""
                let ending = try Trial.run(
                    "/bin/sh", ["-c", script, Trial.executable] + trial.words(name), variables)
                #expect(ending.status == 2 && !ending.isSignal)
                #expect(
                    ending.output.contains(name) && ending.output.contains("File too large"),
                    "\(ending.output)")
                #expect(trial.state() == before)
            }
        }
    }

    @Test(.enabled(if: access("/usr/bin/setpriv", X_OK) == 0 || geteuid() != 0))
    func withoutPermissionNothingIsWritten() throws {
        let trial = try Trial()
        try trial.convert(to: "old.swt")
        let before = trial.state()
        for (path, mode, target) in [
            (trial.outputs, mode_t(0o555), "new.swt"), (trial.outputs, 0o555, "old.swt"),
            (trial.outputs, 0o555, "model/"), (trial.outputs + "old.swt", 0o444, "old.swt"),
        ] {
            chmod(trial.folder.path, 0o755)
            chmod(trial.outputs, 0o777)
            chmod(path, mode)
            defer { chmod(path, 0o755) }
            let options = target.hasSuffix("/") ? ["--to", "huggingface"] : []
            var words = [Trial.executable] + trial.words(target, options)
            if geteuid() == 0 {
                // Nobody may not enter the folder of the build: the loader starts it, which any may read.
                words = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + words
            }
            let ending = try Trial.run(words[0], Array(words.dropFirst()), [:])
            #expect(ending.status == 2, "\(ending.output)")
            #expect(ending.output.contains("Permission denied"), "\(ending.output)")
            #expect(trial.state() == before)
        }
    }

    @Test(arguments: ["pwrite", "fsync"]) func anInputThatChangesIsRefused(_ call: String) throws {
        let trial = try Trial()
        try trial.convert(to: "old.swt", ["--num-classes", "4"])
        try refuses(
            trial, "old.swt", "in.pth", "the file changed while it was being read",
            fault: .init(call: call, at: 1, does: "touch"))
    }

    @Test func aMappedFileThatShrinksIsAnError() throws {
        let trial = try Trial()
        try trial.convert(to: "model.swt")
        var variables = trial.variables(.init(call: "mmap", at: 1, does: "cut"))
        variables["FAULT_FILE"] = trial.outputs + "model.swt"
        let ending = try Trial.run(
            Trial.executable,
            [
                "verify", trial.outputs + "model.swt", "--reference",
                Fixtures.path("models/plain.reference.safetensors"),
            ], variables)
        #expect(ending.status == 2 && !ending.isSignal, "\(ending.output)")
        #expect(ending.output.contains("model.swt: the file became shorter"), "\(ending.output)")
    }

    @Test func resultsThatCannotBePrintedAreAnError() throws {
        let words = [
            "-c", "exec \"$0\" inspect \"$1\" > /dev/full", Trial.executable,
            Fixtures.path("models/plain.pth"),
        ]
        let ending = try Trial.run("/bin/sh", words, [:])
        #expect(ending.status == 2)
        #expect(ending.output == "vit-convert: standard output: No space left on device\n")
    }

    /// The first is halted when its file has a name beside the target's; the second then must not take it for left.
    @Test(arguments: [false, true]) func twoRunsToOnePathBothEndWell(isNamed: Bool) throws {
        let trial = try Trial(isNamed: isNamed)
        try trial.convert(to: "model.swt")
        let after = trial.state()
        try trial.convert(to: "model.swt", ["--num-classes", "4"])
        let first = try Trial.start(
            Trial.executable, trial.words("model.swt"),
            trial.variables(.init(call: "rename", at: 1, does: "stop")))
        let process = first.process.processIdentifier
        while isRunning(process) { usleep(2000) }
        #expect(trial.state().count == 2)
        #expect(try trial.convert(to: "model.swt").status == 0)
        #expect(trial.state().count == 2, "the file of the first is still there")
        kill(process, SIGCONT)
        let ending = Trial.finish(first)
        #expect(ending.status == 0, "\(ending.output)")
        #expect(trial.state() == after)
    }

    /// Whether a process is neither halted nor gone.
    private func isRunning(_ process: Int32) -> Bool {
        guard let file = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return false }
        let state = String(decoding: file, as: UTF8.self).split(separator: ")").last?.split(separator: " ")
            .first
        return state != "T" && state != "Z"
    }

    @Test func manyRunsToOnePathAllEndWell() throws {
        let trial = try Trial()
        try trial.convert(to: "model.swt")
        let after = trial.state()
        let runs = try (0..<6).map { _ in
            try Trial.start(Trial.executable, trial.words("model.swt"), [:])
        }
        for run in runs { #expect(Trial.finish(run).status == 0) }
        #expect(trial.state() == after)
    }
}
