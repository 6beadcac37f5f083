import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct NpzWriterTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func write(_ tensors: [NamedTensor], _ name: String, compressed: Bool) throws -> Checkpoint {
        try WriterSamples.written(folder, name) {
            try NpzWriter.write(tensors, to: $0, compressed: compressed)
        }
    }

    @Test(arguments: WriterSamples.fixtures, [false, true])
    func whatIsWrittenReadsBack(_ fixture: String, compressed: Bool) throws {
        let source = try Checkpoint(path: Fixtures.path(fixture))
        // NumPy says of 8-bit floats only that they have 8 bits, and lacks pairs of halves.
        let isKept = { (dtype: DType) in
            NumPyDType.descriptor(of: dtype).map { NumPyDType.parse($0) != nil } ?? false
        }
        let tensors = source.tensors.filter { isKept($0.view.dtype) }
        let back = try write(tensors, "a.npz", compressed: compressed)
        let expected = try Golden(fixture).tensors.filter { DType(rawValue: $0.dtype).map(isKept) ?? false }
        #expect(back.container == .npz)
        #expect(try Golden.rows(of: back) == expected)
        #expect(try WriterSamples.hasRightChecksums(back))
        let again = try write(tensors, "b.npz", compressed: compressed)
        #expect(try WriterSamples.bytes(back) == WriterSamples.bytes(again))
    }

    @Test(arguments: [false, true])
    func largeTensorsAndNamesOfAnyTextReadBack(compressed: Bool) throws {
        let tensors = try WriterSamples.large()
        let back = try write(tensors, "a.npz", compressed: compressed)
        #expect(back.tensors.map(\.name) == tensors.map(\.name))
        for (one, other) in zip(back.tensors, tensors) {
            #expect(try Digest.sha256(one.view) == Digest.sha256(other.view))
        }
        #expect(try WriterSamples.hasRightChecksums(back))
    }

    /// Blocks refer back into the ones before them, and the number of threads shows nowhere.
    @Test func deflatedBytesAreFewAndAlwaysTheSame() throws {
        let tensors = try WriterSamples.large()
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        let files = try [1, 3].map { count in
            Parallel.threadCount = count
            return try write(tensors, "\(count).npz", compressed: true)
        }
        #expect(try WriterSamples.bytes(files[0]) == WriterSamples.bytes(files[1]))
        let archive = try ZipArchive(ByteRegion(try OpenFile(path: files[0].path)))
        #expect(archive.entries.allSatisfy { $0.method == 8 })
        // 6 MB that repeat 20 kB of noise.
        #expect(try #require(archive["repeated.npy"]).compressedSize < 150_000)
        #expect(try #require(archive["noise.npy"]).compressedSize < (5 << 20) + 4096)
    }

    @Test func aNameLongerThanAZipArchiveAllowsIsRefused() throws {
        let name = String(repeating: "n", count: 70_000)
        let error = #expect(throws: CheckpointError.self) {
            try write([NamedTensor(name, try WriterSamples.row([1], .u8))], "a.npz", compressed: false)
        }
        #expect(error?.detail.contains("70004 bytes, more than a zip archive allows") == true)
    }
}
