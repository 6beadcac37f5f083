import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// What becomes of the process that reads, and of this one.
@Suite struct HDF5SessionTests {
    static func open(_ name: String, patience: Int64? = nil) throws -> HDF5Session {
        try HDF5Session(ByteRegion(try OpenFile(path: Fixtures.path("hdf5/" + name))), patience: patience)
    }

    static let gzip = HDF5Path.root.appending(Array("gzip".utf8))

    @Test(arguments: [SIGSEGV, SIGABRT, SIGBUS])
    func aCrashIsAnErrorAndTheNextQuestionIsAnswered(_ signal: Int32) throws {
        let session = try Self.open("filters.h5")
        let values = try session.values(of: Self.gzip, count: 2400).array()
        let first = try #require(session.process)
        #expect(kill(first, signal) == 0)
        let error = #expect(throws: CheckpointError.self) { try session.object(Self.gzip) }
        #expect(error?.kind == .damaged)
        #expect(error?.detail == "the HDF5 library crashed on it (signal \(signal))")
        #expect(session.process == nil)
        #expect(kill(first, 0) == -1, "it has been waited for")
        #expect(try session.values(of: Self.gzip, count: 2400).array() == values)
        #expect(session.process != first)
    }

    @Test func aCrashWhileValuesAreReadNamesTheDataset() throws {
        let session = try Self.open("filters.h5")
        var listing = HDF5Listing(of: session)
        try listing.visitRoot()
        let tensor = try #require(listing.finished().tensors.first { $0.name == "shuffle" })
        kill(try #require(session.process), SIGSEGV)
        let error = #expect(throws: CheckpointError.self) { try tensor.view.bytes() }
        #expect(error?.part == "shuffle")
        #expect(error?.detail == "the HDF5 library crashed on it (signal 11)")
        #expect(try tensor.view.bytes().count == 2400)
    }

    @Test func whatSaysNothingForTooLongIsEnded() throws {
        let session = try Self.open("filters.h5", patience: 2000)
        let process = try #require(session.process)
        #expect(kill(process, SIGSTOP) == 0)
        let error = #expect(throws: CheckpointError.self) { try session.object(.root) }
        #expect(error?.detail == "the HDF5 library has said nothing of it for 2 seconds")
        #expect(kill(process, 0) == -1)
    }

    @Test func processorTimeComesToAnEnd() throws {
        let session = try Self.open("filters.h5")
        kill(try #require(session.process), SIGXCPU)
        let error = #expect(throws: CheckpointError.self) { try session.object(.root) }
        #expect(error?.detail == "the HDF5 library comes to no end with it")
    }

    @Test func theProcessEndsWithTheSession() throws {
        var session: HDF5Session? = try Self.open("layouts.h5")
        let process = try #require(session?.process)
        #expect(kill(process, 0) == 0)
        session = nil
        #expect(kill(process, 0) == -1)
    }

    @Test func theProcessHoldsNoDescriptorsButItsOwn() throws {
        let session = try Self.open("layouts.h5")
        let process = try #require(session.process)
        guard let handle = opendir("/proc/\(process)/fd") else { return }
        defer { closedir(handle) }
        var names: Set<String> = []
        while let entry = readdir(handle) {
            names.insert(
                withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        #expect(names == [".", "..", "0", "1", "2", "3", "4"])
    }

    @Test func moreValuesThanExpectedAreRefused() throws {
        let session = try Self.open("filters.h5")
        #expect(throws: CheckpointError.self) { try session.values(of: Self.gzip, count: 2399) }
        let short = #expect(throws: CheckpointError.self) { try session.values(of: Self.gzip, count: 2401) }
        #expect(short?.detail == "expected 2401 bytes of values, found 2400")
    }

    @Test func memoryIsReadAsAFileIs() throws {
        let bytes = ByteRegion([0, 0, 0] + (try Fixtures.bytes("hdf5/filters.h5")))
        let session = try HDF5Session(try bytes.slice(3, bytes.count - 3))
        let file = try Self.open("filters.h5")
        #expect(
            try session.values(of: Self.gzip, count: 2400).array()
                == file.values(of: Self.gzip, count: 2400).array())
    }
}
