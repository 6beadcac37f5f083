import Checkpoints
import TensorCore
import TestSupport
import Testing

/// What golden listings do not show: where bytes are taken from, and what damage comes to.
@Suite struct HDF5Tests {
    static func bytes(_ name: String) throws -> [UInt8] { try Fixtures.bytes("hdf5/" + name) }

    static func open(_ bytes: [UInt8]) throws -> Checkpoint {
        try Checkpoint(bytes: ByteRegion(bytes), named: "x.h5")
    }

    @Test(arguments: ["superblock_0", "superblock_3", "user_block_512", "user_block_1024", "not_closed_3"])
    func plainDatasetsAreRangesOfTheFile(_ name: String) throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("hdf5/\(name).h5"))
        let plain = try #require(checkpoint.tensor("0")?.plainRegion?.filePlace)
        var value: Float = 0
        try withUnsafeMutableBytes(of: &value) { try plain.file.read(into: $0, at: plain.offset + 23 * 4) }
        #expect(value == 23.0 / 8)
        #expect(checkpoint.tensor("a")?.plainRegion == nil, "packed values are no range of the file")
    }

    @Test func theWeightsOfAStoredKerasModelAreRangesOfTheArchive() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("hdf5/keras_3.keras"))
        #expect(checkpoint.tensors.allSatisfy { $0.view.plainRegion?.filePlace != nil })
        #expect(checkpoint.metadata.map(\.key) == ["metadata.json", "config.json"])
        #expect(checkpoint.remarks.first?.contains("model.weights.h5") == true)
    }

    @Test(arguments: ["keras_3.weights.h5", "keras_3.keras", "keras_3_deflated.keras", "keras_legacy.h5"])
    func layersAreKnownByTheirNamesInTheModel(_ name: String) throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("hdf5/" + name))
        let golden = try JSONParser.parse(try Fixtures.bytes("hdf5/\(name).golden.json"))
        var expected: [String: String] = [:]
        for member in golden["layers"]?.members ?? [] { expected[member.key] = member.value.string }
        #expect(checkpoint.layerNames == expected)
        #expect(expected.isEmpty == (name == "keras_legacy.h5"))
    }

    @Test func theConfigurationOfAWholeKerasModelIsMetadata() throws {
        let metadata = try Checkpoint(path: Fixtures.path("hdf5/keras_whole_model.h5")).metadata
        #expect(metadata.map(\.key) == ["keras_version", "backend", "model_config"])
        #expect(metadata.map(\.value).prefix(2) == ["3.15.1", "torch"])
        let configuration = try JSONParser.parse(Array(try #require(metadata.last).value.utf8))
        #expect(configuration["config"]?["name"]?.string == "small")
    }

    @Test func aFilterThatIsNotInstalledIsNamedWhenItsValuesAreRead() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("hdf5/uninstalled_filter.h5"))
        #expect(checkpoint.tensors.map(\.name) == ["lzf", "plain"])
        let packed = try #require(checkpoint.tensor("lzf"))
        #expect(packed.dtype == .i32 && packed.shape.dimensions == [20, 30])
        let error = #expect(throws: CheckpointError.self) { try packed.bytes() }
        #expect(error?.kind == .unsupported)
        #expect(error?.description.hasPrefix("lzf: ") == true)
        #expect(error?.detail.contains("LZF (number 32000)") == true)
        #expect(try checkpoint.tensor("plain")?.floats().last == 23.0 / 8)
    }

    @Test func othersSayWhatTheyAre() throws {
        let others = try Checkpoint(path: Fixtures.path("hdf5/links.h5")).others
        #expect(others.contains(OtherEntry("soft", type: "soft link", value: "/encoder/block/kernel")))
        #expect(
            others.contains(
                OtherEntry("passwords", type: "external link", value: "/ in /etc/passwd, which is not opened")
            ))
        #expect(
            others.contains(
                OtherEntry("encoder/block/up", type: "group", value: "the group /encoder under another name"))
        )
    }

    @Test func severalThreadsReadAtOnce() async throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("hdf5/filters.h5"))
        let expected = try Golden("hdf5/filters.h5").tensors.map(\.sha256)
        try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<8 {
                group.addTask { try checkpoint.tensors.map { try Digest.sha256($0.view) } }
            }
            for try await digests in group { #expect(digests == expected) }
        }
    }

    // MARK: Damage

    @Test func aFileCutAnywhereIsAnError() throws {
        let whole = try Self.bytes("superblock_3.h5")
        for count in stride(from: 8, to: whole.count, by: 211) {
            #expect(throws: CheckpointError.self) { try Self.open(Array(whole.prefix(count))) }
        }
    }

    @Test func aFileThatShrinksAfterOpeningIsAnError() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("x.h5", try Self.bytes("filters.h5"))
        let checkpoint = try Checkpoint(path: path)
        #expect(truncate(path, 4096) == 0)
        let error = #expect(throws: CheckpointError.self) { try checkpoint.tensor("gzip")?.bytes() }
        #expect(error?.part == "gzip")
        #expect(error?.detail.contains("became shorter") == true)
    }

    @Test func valuesSaidToStandOutsideTheFileAreAnError() throws {
        var bytes = try Self.bytes("superblock_0.h5")
        let golden = try Checkpoint(path: Fixtures.path("hdf5/superblock_0.h5"))
        let offset = try #require(golden.tensor("0")?.plainRegion?.start)
        // The layout message: version 3, contiguous, address, size (Specification, IV.A.2.i).
        let message: [UInt8] = [3, 1] + withUnsafeBytes(of: UInt64(offset).littleEndian) { [UInt8]($0) }
        let place = try #require(
            bytes.indices.first { bytes[$0...].starts(with: message) && bytes[$0 + 10] == 96 })
        bytes.replaceSubrange(place + 2..<place + 6, with: [0, 0, 0, 0x7F])
        let error = #expect(throws: CheckpointError.self) { try Self.open(bytes) }
        #expect(error?.part == "0")
        #expect(error?.detail.contains("expected 96 bytes from 2130706432 on") == true)
    }

    @Test func aTypeWhoseSizeIsNotThatOfItsPartsIsAnError() throws {
        var bytes = try Self.bytes("dtypes.h5")
        // An enumeration: class 8, three members, 2 bytes (Specification, IV.A.2.d).
        let rest: [UInt8] = [3, 0, 0, 2, 0, 0, 0]
        let place = try #require(
            bytes.indices.first { bytes[$0] & 0x0F == 8 && bytes[($0 + 1)...].starts(with: rest) })
        bytes[place + 4] = 1
        let error = #expect(throws: CheckpointError.self) { try Self.open(bytes) }
        #expect(error?.part == "enumeration")
        #expect(error?.detail == "a type of 1 bytes is said to hold I16 in []")
    }

    @Test func aSuperblockWhoseChecksumIsWrongIsNotMended() throws {
        var bytes = try Self.bytes("not_closed_3.h5")
        bytes[44] ^= 1
        #expect(throws: CheckpointError.self) { try Self.open(bytes) }
    }

    @Test func packedValuesThatAreDamagedAreAnErrorOfTheirDataset() throws {
        var bytes = try Self.bytes("filters.h5")
        let checkpoint = try Checkpoint(path: Fixtures.path("hdf5/filters.h5"))
        let sum = try Digest.sha256(try #require(checkpoint.tensor("fletcher32")))
        // 0, 1, 2, 3 begin the first chunk of what is only summed, not packed.
        let start: [UInt8] = [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]
        var failures = 0
        for place in bytes.indices where bytes[place...].starts(with: start) {
            bytes[place + 4] ^= 0x10
            let damaged = try Self.open(bytes)
            do {
                let digest = try Digest.sha256(try #require(damaged.tensor("fletcher32")))
                #expect(digest == sum, "a wrong value is never handed out")
            } catch let error as CheckpointError {
                #expect(error.part == "fletcher32")
                #expect(error.detail.contains("checksum"))
                failures += 1
            }
            bytes[place + 4] ^= 0x10
        }
        #expect(failures == 1)
    }
}
