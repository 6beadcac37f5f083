import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// PyTorch and NumPy themselves open what we write, where they are installed.
@Suite struct PythonTests {
    static let hasTorch = Python.has("torch")
    static let hasNumPy = Python.has("numpy, ml_dtypes")

    /// `NAME SHAPE SHA-256` of each tensor, in order.
    static func listing(_ tensors: [NamedTensor]) throws -> String {
        try tensors.map { "\(Array($0.name.utf8)) \($0.view.shape) \(try Digest.sha256($0.view))\n" }.joined()
    }

    /// Compares line by line, and shows the first that differs.
    static func expect(_ output: String, _ tensors: [NamedTensor]) throws {
        let lines = output.split(separator: "\n")
        let expected = try listing(tensors).split(separator: "\n")
        #expect(lines.count == expected.count)
        let difference = zip(lines, expected).first { $0 != $1 }
        #expect(difference == nil)
    }

    static let torchListing = """
        import sys, hashlib, warnings, zipfile, collections, torch
        warnings.filterwarnings("ignore", message="ComplexHalf support is experimental")
        assert zipfile.ZipFile(sys.argv[1]).testzip() is None
        loaded = [torch.load(sys.argv[1], weights_only=only, mmap=mmap)
                  for only in (True, False) for mmap in (True, False)]
        for state in loaded:
            assert type(state) is collections.OrderedDict
            for tensor in state.values():
                assert tensor.is_contiguous() and not tensor.requires_grad, tensor
        def digest(tensor):
            plain = tensor.reshape(-1)
            data = plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
            return hashlib.sha256(data).hexdigest()
        rows = [[f"{list(name.encode())} {list(tensor.shape)} {digest(tensor)}" for name, tensor in state.items()]
                for state in loaded]
        assert all(row == rows[0] for row in rows)
        print("".join(row + "\\n" for row in rows[0]), end="")
        """

    @Test(.enabled(if: hasTorch, "PyTorch is not installed"))
    func torchLoadsWhatWeWrite() throws {
        let folder = try TemporaryFolder()
        var tensors = try WriterSamples.large()
        for fixture in WriterSamples.fixtures {
            for tensor in try Checkpoint(path: Fixtures.path(fixture)).tensors {
                tensors.append(NamedTensor(fixture + ":" + tensor.name, tensor.view))
            }
        }
        _ = try WriterSamples.written(folder, "a.pth") { try TorchZipWriter.write(tensors, to: $0) }
        let (status, output) = try Python.run(Self.torchListing, [folder.path + "a.pth"])
        #expect(status == 0, "\(output)")
        try Self.expect(output, tensors)
    }

    static let numpyListing = """
        import sys, hashlib, zipfile, numpy
        assert zipfile.ZipFile(sys.argv[1]).testzip() is None
        with numpy.load(sys.argv[1]) as archive:
            for name in archive.files:
                array = archive[name]
                print(list(name.encode()), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest())
        """

    @Test(.enabled(if: hasNumPy, "NumPy is not installed"), arguments: [false, true])
    func numpyLoadsWhatWeWrite(compressed: Bool) throws {
        let folder = try TemporaryFolder()
        var tensors = try WriterSamples.large()
        for fixture in WriterSamples.fixtures {
            for tensor in try Checkpoint(path: Fixtures.path(fixture)).tensors where tensor.view.dtype != .c32
            {
                tensors.append(NamedTensor(fixture + ":" + tensor.name, tensor.view))
            }
        }
        _ = try WriterSamples.written(folder, "a.npz") {
            try NpzWriter.write(tensors, to: $0, compressed: compressed)
        }
        let (status, output) = try Python.run(Self.numpyListing, [folder.path + "a.npz"])
        #expect(status == 0, "\(output)")
        try Self.expect(output, tensors)
    }
}
