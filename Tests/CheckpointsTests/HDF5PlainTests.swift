import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// Files whose structure is read without libhdf5: what it says of them is what must be found.
@Suite struct HDF5PlainTests {
    /// All that a listing says.
    struct Facts: Equatable {
        let tensors: [String]
        let others: [OtherEntry]
        let metadata: [String]
        let layerNames: [String: String]

        /// - Parameter unread: tensors whose values are left aside.
        init(_ contents: CheckpointContents, unread: Set<String> = []) {
            tensors = contents.tensors.map { tensor in
                var values = ""
                do {
                    if !unread.contains(tensor.name) { values = try Digest.sha256(tensor.view) }
                } catch {
                    values = "\(error)"
                }
                return "\(tensor.name) \(tensor.view.dtype) \(tensor.view.shape) \(values)"
            }
            others = contents.others
            metadata = contents.metadata.flatMap { [$0.key, $0.value] }
            layerNames = contents.layerNames
        }
    }

    static let folders = ["hdf5", "hdf5/refused", "schemes/keras", "schemes/keras2"]
    static let files = folders.flatMap { folder in
        [".h5", ".keras"].flatMap { Fixtures.list(folder, suffix: $0) }
    }

    /// Files in which something is not plain: the library lists them.
    static let libraryOnly = Set(
        [
            "external_values.h5", "not_closed_2.h5", "not_closed_3.h5", "virtual.h5",
            "refused/crash_links.h5",
            "refused/crash_not_closed_3.h5", "refused/crash_superblock_2.h5", "refused/latest.h5",
            "refused/signature_only.h5", "refused/truncated.h5",
        ].map { "hdf5/" + $0 })

    /// The HDF5 file itself, or in its archive.
    static func region(_ name: String) throws -> ByteRegion {
        let file = ByteRegion(try OpenFile(path: Fixtures.path(name)))
        guard name.hasSuffix(".keras") else { return file }
        let archive = try ZipArchive(file)
        return try archive.contents(of: try #require(archive["model.weights.h5"]), limit: .max)
    }

    @Test func fixturesAreThere() {
        #expect(Self.files.count > 40)
        #expect(Self.libraryOnly.isSubset(of: Self.files))
    }

    @Test(arguments: files)
    func findsWhatTheLibraryFinds(_ name: String) throws {
        let region = try Self.region(name)
        let plain: CheckpointContents
        do {
            plain = try HDF5Reader.list(HDF5PlainFile(region))
        } catch {
            #expect(Self.libraryOnly.contains(name), "\(error)")
            return
        }
        #expect(!Self.libraryOnly.contains(name))
        #expect(Facts(plain) == Facts(try HDF5Reader.list(HDF5Session(region))))
    }

    @Test func theLibraryIsCalledForPackedValuesOnly() throws {
        let packed = try HDF5PlainFile(Self.region("hdf5/filters.h5"))
        let contents = try HDF5Reader.list(packed)
        #expect(packed.session.process == nil)
        #expect(try contents.tensors.first { $0.name == "gzip" }?.view.bytes().count == 2400)
        #expect(packed.session.process != nil)
    }

    @Test func compactValuesAreRangesOfTheFile() throws {
        let contents = try HDF5Reader.list(HDF5PlainFile(Self.region("hdf5/layouts.h5")))
        let compact = try #require(contents.tensors.first { $0.name == "compact" })
        #expect(compact.view.plainRegion?.filePlace != nil)
    }

    // MARK: Damage

    @Test(arguments: ["keras_3.weights.h5", "superblock_3.h5", "creation_order.h5"])
    func aFileCutAnywhereIsLeftToTheLibrary(_ name: String) throws {
        let whole = try Fixtures.bytes("hdf5/" + name)
        for count in stride(from: 0, to: whole.count, by: 61) {
            #expect(throws: (any Error).self) {
                try HDF5Reader.list(HDF5PlainFile(ByteRegion(Array(whole.prefix(count)))))
            }
        }
    }

    struct Tally {
        var same = 0
        var doubted = 0
        /// Listed here although the library refuses the file.
        var refused: [String] = []
        /// Listed otherwise than by the library.
        var different: [String] = []

        /// - Parameter what: what was done to the file.
        mutating func add(_ bytes: [UInt8], _ what: String) {
            let region = ByteRegion(bytes)
            guard let plain = try? HDF5Reader.list(HDF5PlainFile(region)) else {
                doubted += 1
                return
            }
            do {
                let library = try HDF5Reader.list(HDF5Session(region))
                // The library reads packed values in any case; of damaged ones it may hand out memory that
                // nothing was written to.
                let packed = Set(plain.tensors.filter { $0.view.plainRegion == nil }.map(\.name))
                let facts = Facts(plain, unread: packed)
                let expected = Facts(library, unread: packed)
                if facts == expected {
                    same += 1
                } else {
                    different.append("\(what): \(facts), expected \(expected)")
                }
            } catch {
                refused.append("\(what): \(error)")
            }
        }
    }

    @Test(arguments: [
        ("keras_3.weights.h5", 1), ("keras_legacy.h5", 2), ("superblock_2.h5", 3), ("creation_order.h5", 4),
        ("links.h5", 5), ("dtypes.h5", 6), ("layouts.h5", 7), ("keras_whole_model.h5", 8), ("others.h5", 9),
        ("filters.h5", 10), ("user_block_512.h5", 11), ("many_links.h5", 12),
    ])
    func damageIsNeverReadOtherwiseThanByTheLibrary(_ name: String, _ seed: UInt64) throws {
        let whole = try Fixtures.bytes("hdf5/" + name)
        var random = SplitMix(state: seed)
        var tally = Tally()
        // Where there is something: most of a small file is room.
        let places = whole.indices.filter { place in
            whole[max(0, place - 8)...min(whole.count - 1, place + 8)].contains { $0 != 0 }
        }
        for _ in 0..<40 {
            var bytes = whole
            let place = try #require(places.randomElement(using: &random))
            let value: UInt8 =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: .random(in: 0...255, using: &random)
                case 1: whole[place] ^ (1 << UInt8.random(in: 0..<8, using: &random))
                case 2: whole[place] &+ 1
                default: [0, 1, 8, 0xFF].randomElement(using: &random) ?? 0
                }
            bytes[place] = value
            if Bool.random(using: &random), place + 4 < bytes.count { bytes[place + 4] ^= value }
            tally.add(bytes, "\(place) = \(value)")
        }
        #expect(tally.different.isEmpty)
        #expect(tally.refused.isEmpty)
        #expect(tally.same > 0 && tally.doubted > 0)
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
