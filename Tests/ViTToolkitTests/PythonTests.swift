import TestSupport
import Testing
import ViTToolkit

/// Python's own safetensors opens our `.swt`, where it is installed.
@Suite struct PythonTests {
    static let isInstalled = Python.has("numpy, safetensors.numpy")

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
        let (status, output) = try Python.run(Self.digests, [folder.path + "m.swt"])
        #expect(status == 0, "\(output)")
        let expected = try source.tensors.sorted { $0.name < $1.name }.map {
            "\($0.name) \($0.view.shape) \(try Digest.sha256($0.view))\n"
        }
        #expect(output == expected.joined())
    }
}
