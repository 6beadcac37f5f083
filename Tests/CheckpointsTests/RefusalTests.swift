import Checkpoints
import TensorCore
import TestSupport
import Testing

/// Files that are no checkpoints, or damaged ones: each is called by its own name.
@Suite struct RefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let file: String
        let kind: String
        var testDescription: String { file }
    }

    static func rows(_ folder: String) throws -> [Row] {
        let json = try JSONParser.parse(try Fixtures.bytes(folder + "/index.json"))
        return (json["refused"]?.array ?? []).compactMap { row in
            guard let file = row["file"]?.string, let kind = row["kind"]?.string else { return nil }
            return Row(file: folder + "/" + file, kind: kind)
        }
    }

    /// What the message must say, by the kind of thing.
    static let phrases = [
        "bare-pickle": "bare Python pickle", "zip-compression": "compression method 12", "gzip": "gunzip",
        "zip-without-checkpoint": "it holds readme.txt, a/b.txt", "empty": "the file is empty",
        "missing-storage": "has no member", "torch-package": "torch.package", "html": "HTML page",
        "git-lfs-pointer": "git lfs pull", "torch-preview": "preview releases",
        "short-storage": "expected 256 bytes, found 252", "truncated-zip": "cut short", "unknown": "",
        // NumPy's
        "text": "arrays of numbers are read", "datetime": "arrays of numbers are read",
        "float128": "arrays of numbers are read", "object": "Python objects",
        "structured": "array of records",
        "version": "version 9", "header": "", "truncated": "",
        // HDF5's
        "hdf5-truncated": "truncated file: eof = 1476", "hdf5-signature": "ends too early",
        "hdf5-newer": "chunked: the HDF5 library reports: bad version number",
        // A crash, or in another release of the library a report.
        "hdf5-crash": "the HDF5 library ",
    ]

    @Test(arguments: try rows("refused") + rows("numpy/refused") + rows("hdf5/refused"))
    func isRefusedByName(_ row: Row) throws {
        let path = Fixtures.path(row.file)
        switch row.kind {
        case "legacy-trailing":
            #expect(try Checkpoint(path: path).remarks.first?.contains("follow the last storage") == true)
        case "wrong-checksum":
            // As PyTorch reads it: stored members are handed out where they stand.
            #expect(try Checkpoint(path: path).tensors.count == 2)
        case "zip-without-checkpoint" where row.file.hasSuffix("empty_zip.pth"):
            // What numpy.savez writes when it is given nothing.
            #expect(try Checkpoint(path: path).container == .npz)
        default:
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
            let message = error?.description ?? ""
            #expect(message.hasPrefix(path + ": "))
            let phrase = row.kind.hasPrefix("truncated-legacy") ? "" : Self.phrases[row.kind]
            #expect(
                message.contains(try #require(phrase, "no phrase for \(row.kind)")) || phrase?.isEmpty == true
            )
        }
    }

    @Test func aFolderWithoutACheckpointIsNamedAsSuch() {
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: Fixtures.path("refused")) }
        #expect(error?.detail.contains("a folder without a checkpoint") == true)
    }

    @Test func aMissingFileIsToldInTheSystemsWords() {
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: "/nowhere/model.pth") }
        #expect(error?.kind == .inaccessible)
        #expect(error?.description == "/nowhere/model.pth: No such file or directory")
    }
}
