import Foundation
import TestSupport
import Testing

@testable import TensorCore

/// `-` in place of a file.
@Suite struct StreamsTests {
    private static func demo() throws -> Data { Data(try Fixtures.bytes("models/vit_demo.pth")) }

    @Test func aPipeIsReadAsTheFileIs() throws {
        let piped = try Run(["inspect", "-", "--json", "--digest"], input: try Self.demo()).json()
        let named = try Run(["inspect", "models/vit_demo.pth", "--json", "--digest"]).json()
        #expect(piped["file"]?.string == "standard input")
        for key in ["sha256", "container", "scheme", "configuration", "tensors"] {
            #expect(piped[key] == named[key] && named[key] != nil, "\(key)")
        }
    }

    /// sh is what opens the file here.
    @Test(arguments: ["< models/vit_demo.pth", "< /dev/null", "<&-"])
    func redirects(_ redirect: String) throws {
        let ending = try shell("\"$0\" inspect - \(redirect)")
        if redirect.contains("demo") {
            #expect(ending.status == 0)
            #expect(ending.output.contains("container  torch-zip"))
        } else {
            #expect(ending.status == 2)
            #expect(ending.output.hasPrefix("vit-convert: standard input: "))
        }
    }

    @Test func whatStandsBeforeIsLeftOut() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("in", Array("12345".utf8) + Fixtures.bytes("models/plain.pth"))
        let ending = try shell(
            "{ dd bs=1 count=5 of=/dev/null 2>/dev/null; \"$0\" inspect -; } < \"$1\"", file)
        withExtendedLifetime(folder) {}
        #expect(ending.output.contains("container  torch-zip"), "\(ending.output)")
    }

    @Test func theContainerGoesToStandardOutput() throws {
        let folder = try TemporaryFolder()
        _ = try Run(["models/vit_demo.pth", folder.path + "a.swt"])
        let run = try Run(["models/vit_demo.pth", "-"])
        #expect(run.status == 0)
        #expect(run.output == FileManager.default.contents(atPath: folder.path + "a.swt"))
        #expect(run.error.contains("\nwrote ViT/8"))
    }

    @Test(arguments: [("npz", "npz"), ("pth", "torch-zip"), ("safetensors", "safetensors"), ("h5", "hdf5")])
    func inAnyContainer(format: String, container: String) throws {
        let run = try Run(["models/vit_demo.pth", "-", "--format", format])
        let back = try Run(["inspect", "-", "--json"], input: run.output).json()
        #expect(back["container"]?.string == container)
    }

    @Test func aFormatStandsAboveTheEnding() throws {
        let folder = try TemporaryFolder()
        #expect(try Run(["models/vit_demo.pth", folder.path + "a.ckpt", "--format", "npz"]).status == 0)
        let json = try Run(["inspect", folder.path + "a.ckpt", "--json"]).json()
        #expect(json["container"]?.string == "npz")
        #expect(try Run(["models/vit_demo.pth", folder.path + "b.ckpt", "--format", "onnx"]).status == 64)
    }

    @Test func refusals() throws {
        #expect(try Run(["models/vit_demo.pth", "-", "--json"]).status == 64)
        let broken = try Run(["refused/page.pth", "-"])
        #expect(broken.status == 2 && broken.output.isEmpty)
        let failed = try Run([
            "models/vit_demo.pth", "-", "--gelu", "tanh", "--reference", "models/vit_demo.reference.npz",
        ])
        #expect(failed.status == 1 && failed.output.isEmpty)
        #expect(try shell("\"$0\" models/vit_demo.pth - > /dev/full").status == 2)
    }

    @Test func allOfThemTakeAStream() throws {
        let demo = try Self.demo()
        let words = ["verify", "-", "--reference", "models/vit_demo.reference.npz"]
        #expect(try Run(words, input: demo).status == 0)
        #expect(try Run(["compare", "models/vit_demo.pth", "-"], input: demo).status == 0)
        #expect(try Run(["compare", "-", "-"], input: demo).status == 0)
        #expect(try Run(["inspect", "-", "--security"], input: demo).status == 0)
        let substituted = try Run(["inspect", "/dev/fd/0"], input: demo)
        #expect(substituted.text.contains("container  torch-zip"))
    }

    /// The status of a shell's command, in which `$0` is ours, and all that it prints.
    private func shell(_ line: String, _ words: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line, Run.executable] + words
        process.currentDirectoryURL = URL(fileURLWithPath: Fixtures.folder)
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, pipe)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
