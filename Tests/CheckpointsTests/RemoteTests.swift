import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// What is read of a file on a web server, and how much of it.
@Suite struct RemoteTests {
    static let impatient = HTTPConnection.Patience(connecting: 5, stalling: 1, pauses: [0, 0, 0])

    static func file(_ address: String, _ access: RemoteAccess = .ranges) throws(CheckpointError) -> OpenFile
    {
        do {
            return try OpenFile.open(address, access, patience: impatient)
        } catch {
            throw CheckpointError(error, path: address)
        }
    }

    static func open(_ address: String, _ access: RemoteAccess = .ranges) throws -> Checkpoint {
        try Checkpoint(file: try file(address, access))
    }

    static func server(_ bytes: [UInt8]) throws -> WebServer {
        try WebServer { request, _ in .file(bytes, request) }
    }

    /// Three megabytes of twelve tensors, in the folder.
    static func large(_ kind: String, in folder: TemporaryFolder) throws -> Checkpoint {
        let noise = try WriterSamples.large()[0].view.bytes().array()
        let tensors = try (0..<12).map { index in
            NamedTensor(
                "blocks.\(index).weight",
                try WriterSamples.row(Array(noise[index * 4096..<index * 4096 + 256 << 10]), .f32))
        }
        return try WriterSamples.written(folder, "large." + kind) { file in
            switch kind {
            case "npz": try NpzWriter.write(tensors, to: file)
            case "pth": try TorchZipWriter.write(tensors, to: file)
            case "h5": try HDF5Writer.write(tensors, layout: .plain, to: file)
            default: try SafetensorsWriter.write(tensors, to: file)
            }
        }
    }

    @Test(arguments: ["safetensors", "pth", "npz", "h5"])
    func onlyTheDirectoryIsFetched(_ kind: String) throws {
        let folder = try TemporaryFolder()
        let here = try Self.large(kind, in: folder)
        let bytes = try WriterSamples.bytes(here)
        let server = try Self.server(bytes)
        let there = try Self.open(server.address + "large." + kind)
        #expect(there.container == here.container)
        #expect(there.tensors.map(\.name) == here.tensors.map(\.name))
        #expect(there.tensors.map(\.view.shape) == here.tensors.map(\.view.shape))
        #expect(there.fileSize == bytes.count && bytes.count > 3 << 20)
        #expect(server.bytesSent < bytes.count / 20, "\(server.bytesSent) of \(bytes.count)")
        #expect(server.requests.allSatisfy { $0.fields["range"] != nil })
        #expect(server.requests.count < 20, "\(server.requests.count)")

        // One tensor costs its bytes.
        let before = server.bytesSent
        #expect(try there.tensors[5].view.bytes().array() == here.tensors[5].view.bytes().array())
        #expect(server.bytesSent - before < 2 * 256 << 10)

        // And no byte is asked for twice.
        #expect(try Golden.rows(of: there) == Golden.rows(of: here))
        #expect(try Golden.rows(of: there) == Golden.rows(of: here))
        #expect(server.bytesSent <= bytes.count)
    }

    @Test(arguments: [
        "torch/dtypes.pth", "torch/plain_legacy.pth", "torch/deflated.pth", "torch/big_endian.pth",
        "numpy/compressed.npz", "numpy/big_endian_fortran.npy", "hdf5/keras_3.weights.h5", "hdf5/dtypes.h5",
        "safetensors/dtypes.safetensors", "msgpack/dtypes.msgpack",
    ])
    func tensorsAreWhatTheyAreHere(_ fixture: String) throws {
        let server = try Self.server(try Fixtures.bytes(fixture))
        let there = try Self.open(server.address + fixture, .whole)
        let golden = try Golden(fixture)
        #expect(there.container.rawValue == golden.container)
        #expect(try Golden.rows(of: there) == golden.tensors)
    }

    @Test func rangesThatAreExpectedComeTogether() throws {
        let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 >> 8 ^ $0) }
        let server = try Self.server(bytes)
        let region = try ByteRegion(Self.file(server.address)).slice(100, bytes.count - 100)
        let ranges = (1..<8).map { $0 << 17..<($0 << 17) + 50 }
        region.expect(ranges + [5..<50, bytes.count..<bytes.count + 9, bytes.count - 110..<bytes.count])
        #expect(server.requests.count == 9, "the first one, seven, and the end")
        for range in ranges + [5..<50, bytes.count - 110..<bytes.count - 100] {
            let piece = try region.slice(range.lowerBound, range.count).array()
            #expect(piece == Array(bytes[100 + range.lowerBound..<100 + range.upperBound]))
        }
        #expect(server.requests.count == 9)
        #expect(server.bytesSent == 16_384 + 8 * 4096)
    }

    @Test func aFailureOfWhatIsExpectedIsToldOnReading() throws {
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        let server = try WebServer { request, number in
            number == 2 ? WebServer.Answer("500 No") : .file(bytes, request)
        }
        let region = ByteRegion(try Self.file(server.address))
        region.expect((1..<8).map { $0 << 17..<($0 << 17) + 50 })
        #expect(region.readFailure != nil)
        #expect(throws: ByteError.self) { try region.slice(0, 1).array() }
    }

    /// A storage says how long it is where it begins, and the pickle says it before.
    @Test func storagesOfTheLegacyContainerAreExpected() throws {
        let fixture = "models/vit_legacy.pth"
        let server = try Self.server(try Fixtures.bytes(fixture))
        let there = try Self.open(server.address + fixture)
        #expect(there.container == .torchLegacy)
        #expect(server.requests.count < 4, "\(server.requests.count)")
        let here = try Checkpoint(path: Fixtures.path(fixture))
        #expect(try Golden.rows(of: there) == Golden.rows(of: here))
    }

    @Test func whoReadsOnGetsMoreAtATime() throws {
        let bytes = [UInt8](repeating: 5, count: 4 << 20)
        let server = try Self.server(bytes)
        let region = ByteRegion(try Self.file(server.address))
        for start in stride(from: 0, to: 1 << 20, by: 1024) { _ = try region.slice(start, 1024).array() }
        #expect(server.requests.count < 10)
        #expect(server.bytesSent < 3 << 20, "and not much more than was read")
        let before = server.bytesSent
        _ = try region.slice(3 << 20, 10).array()
        #expect(server.bytesSent - before == 4096)
    }

    @Test func aDeflatedMemberCostsItsOwnBytes() throws {
        let folder = try TemporaryFolder()
        let tensors = try Self.large("npz", in: folder).tensors
        let here = try WriterSamples.written(folder, "deflated.npz") {
            try NpzWriter.write(tensors, to: $0, compressed: true)
        }
        let server = try Self.server(try WriterSamples.bytes(here))
        let there = try Self.open(server.address + "deflated.npz")
        for place in [7, 3, 7] {
            #expect(
                try there.tensors[place].view.bytes().array() == tensors[place].view.bytes().array())
        }
        #expect(server.bytesSent < 3 * 256 << 10)
    }

    /// Whole tensors are copied from file to file, and not read.
    @Test func whatIsCopiedIsFetched() throws {
        let folder = try TemporaryFolder()
        let here = try Self.large("safetensors", in: folder)
        let server = try Self.server(try WriterSamples.bytes(here))
        let there = try Self.open(server.address + "m")
        let copy = try WriterSamples.written(folder, "copy.safetensors") {
            try SafetensorsWriter.write(there.tensors, to: $0)
        }
        #expect(try WriterSamples.bytes(copy) == WriterSamples.bytes(here))
    }

    @Test func allOfItIsFetchedOnce() throws {
        let folder = try TemporaryFolder()
        let here = try Self.large("pth", in: folder)
        let bytes = try WriterSamples.bytes(here)
        let server = try Self.server(bytes)
        let there = try Self.open(server.address + "large.pth")
        #expect(there.isPartial && !here.isPartial)
        let count = server.requests.count
        try there.fetch()
        #expect(!there.isPartial)
        #expect(server.requests.count == count + 1, "what lies between what is there is one range")
        #expect(try Digest.sha256(of: there.files) == Digest.sha256(of: here.files))
        #expect(server.bytesSent < bytes.count / 10 * 11)
        #expect(there.tensors[0].view.plainRegion?.filePlace != nil)
    }

    /// What libhdf5 reads, it reads of a whole file.
    @Test func packedValuesTakeAllOfTheFile() throws {
        let server = try Self.server(try Fixtures.bytes("hdf5/filters.h5"))
        let ranged = try Self.open(server.address + "filters.h5")
        let error = #expect(throws: (any Error).self) { try Golden.rows(of: ranged) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("libhdf5 has to read this file"))
        let whole = try Self.open(server.address + "filters.h5", .whole)
        #expect(try Golden.rows(of: whole) == Golden("hdf5/filters.h5").tensors)
        try ranged.fetch()
        #expect(try Golden.rows(of: ranged) == Golden("hdf5/filters.h5").tensors)
    }

    @Test func shardsStandBesideTheirIndex() throws {
        let folder = "safetensors/sharded/"
        let server = try WebServer { request, _ in
            let name = request.path.split(separator: "?")[0].split(separator: "/").last ?? ""
            guard request.path.hasPrefix("/a/b/"), let bytes = try? Fixtures.bytes(folder + name) else {
                return WebServer.Answer("404 Not Found")
            }
            return .file(bytes, request)
        }
        let here = try Checkpoint(path: Fixtures.path(folder))
        let there = try Checkpoint(
            path: server.address + "a/b/model.safetensors.index.json?download=true")
        #expect(try Golden.rows(of: there) == Golden.rows(of: here))
        #expect(there.path == server.address + "a/b/model.safetensors.index.json")
        #expect(server.requests.dropFirst().allSatisfy { !$0.path.contains("?") })
    }

    @Test(arguments: ["../secret.safetensors", "http://127.0.0.1:9/x", "..", "a/b"])
    func anIndexLeadsNowhereElse(_ name: String) throws {
        let index = Array("{\"weight_map\":{\"w\":\"\(name)\"}}".utf8)
        let server = try Self.server(index)
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(path: server.address + "model.safetensors.index.json")
        }
        #expect(error?.detail.contains("no file beside the index") == true)
        #expect(server.requests.count == 1)
    }

    @Test func aServerWithoutRanges() throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let server = try WebServer { _, _ in WebServer.Answer("200 OK", body: bytes) }
        let error = #expect(throws: CheckpointError.self) { try Self.open(server.address + "plain.pth") }
        #expect(error?.kind == .inaccessible)
        #expect(error?.detail.contains("sends no ranges: it would take all \(bytes.count) bytes") == true)
        let whole = try Self.open(server.address + "plain.pth", .whole)
        #expect(
            try Golden.rows(of: whole) == Golden.rows(of: Checkpoint(path: Fixtures.path("models/plain.pth")))
        )
        #expect(!whole.isPartial)

        // A small one comes with the first answer.
        let small = try Fixtures.bytes("safetensors/plain.safetensors")
        let other = try WebServer { _, _ in WebServer.Answer("200 OK", body: small) }
        #expect(try Self.open(other.address).container == .safetensors)
        #expect(other.requests.count == 1)
    }

    @Test func anEmptyFileIsEmpty() throws {
        let server = try WebServer { _, _ in
            WebServer.Answer("416 Range Not Satisfiable", [("Content-Range", "bytes */0")])
        }
        let error = #expect(throws: CheckpointError.self) { try Self.open(server.address) }
        #expect(error?.detail == "the file is empty")
    }

    @Test func securityLooksThroughAServersFile() throws {
        let name = "security/" + "reduce_system.pth"
        let fixtures = Fixtures.list("security", suffix: ".pth")
        let fixture = fixtures.contains(name) ? name : try #require(fixtures.first)
        let server = try Self.server(try Fixtures.bytes(fixture))
        let here = try SecurityReport(path: Fixtures.path(fixture))
        let there = try SecurityReport(path: server.address + fixture)
        #expect(there.verdict == here.verdict)
        #expect(there.globals.map(\.name) == here.globals.map(\.name))
    }
}
