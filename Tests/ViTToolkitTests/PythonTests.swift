import Foundation
import TestSupport
import Testing
import ViTToolkit

/// Python's own safetensors opens our `.swt`, where it is installed.
@Suite struct PythonTests {
    static func python(_ script: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let interpreter = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"
        process.arguments = [interpreter, "-c", script] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    static let isInstalled = (try? python("import numpy, safetensors.numpy", []).status) == 0

    static let digests = """
        import sys, hashlib
        from safetensors import safe_open
        with safe_open(sys.argv[1], "np") as file:
            assert file.metadata()["format"] == "swt"
            for name in sorted(file.keys()):
                array = file.get_tensor(name)
                print(name, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest())
        """

    @Test(.enabled(if: isInstalled, "Python's safetensors is not installed"))
    func opensOurFiles() throws {
        let source = try Checkpoint(path: Fixtures.path("models/vit_demo.pth"))
        let folder = try TemporaryFolder()
        try convert(source, to: folder.path + "m.swt")
        let (status, output) = try Self.python(Self.digests, [folder.path + "m.swt"])
        #expect(status == 0, "\(output)")
        let expected = try source.tensors.sorted { $0.name < $1.name }.map {
            "\($0.name) \($0.view.shape) \(try Digest.sha256($0.view))\n"
        }
        #expect(output == expected.joined())
    }
}
