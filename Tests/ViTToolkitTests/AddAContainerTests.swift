import TestSupport
import Testing
import ViTToolkit

// example
/// A crate: the eight bytes `CRATE-1` and a line break, how many tensors there are, and each of them:
/// the length of its name and the name, the number of its axes and their lengths, its values in F32.
enum Crate {
    struct NotACrate: Error, CustomStringConvertible {
        let description = "expected a crate, which begins with CRATE-1"
    }

    static let magic = Array("CRATE-1\n".utf8)

    static func read(_ region: ByteRegion) throws -> [NamedTensor] {
        var reader = ByteReader(region)
        guard region.count >= magic.count, try reader.bytes(magic.count) == magic else { throw NotACrate() }
        var tensors: [NamedTensor] = []
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let name = try reader.text(Int(try reader.integer(UInt16.self)))
            var lengths: [Int] = []
            for _ in 0..<(try reader.byte()) { lengths.append(Int(try reader.integer(UInt32.self))) }
            let rest = try region.slice(reader.position, reader.remaining)
            // Proves that the values are there, whatever the lengths claim.
            let view = try TensorView(rest, dtype: .f32, shape: try Shape(lengths))
            try reader.skip(view.byteCount)
            tensors.append(NamedTensor(name, view))
        }
        return tensors
    }
}
// end

/// The article on containers: a checkpoint of timm's in a container that nobody knows.
@Suite struct AddAContainerTests {
    let folder: TemporaryFolder
    let fixture: ModelFixture
    let file: String

    init() throws {
        folder = try TemporaryFolder()
        fixture = try ModelFixture.named("plain")
        file = try folder.file("vit.crate", try Self.crate(try Checkpoint(path: fixture.path).tensors))
    }

    private static func crate(_ tensors: [NamedTensor]) throws -> [UInt8] {
        func bytes<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
            withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
        }
        var crate = Crate.magic + bytes(UInt32(tensors.count))
        for tensor in tensors {
            crate += bytes(UInt16(tensor.name.utf8.count)) + Array(tensor.name.utf8)
            crate.append(UInt8(tensor.view.shape.rank))
            for length in tensor.view.shape.dimensions { crate += bytes(UInt32(length)) }
            for value in try FloatTensor(tensor.view).values { crate += bytes(value.bitPattern) }
        }
        return crate
    }

    /// timm's own logits come out.
    @Test func aCrateIsConvertedAndVerified() throws {
        let output = folder.path + "out.swt"
        let reference = fixture.referencePath
        // example
        let checkpoint = try Checkpoint(path: file, reading: Crate.read)
        var options = ModelOptions()
        options.heads = 3
        let conversion = try convert(
            checkpoint, to: output, options: options, references: [reference])
        // end
        #expect(conversion.reports.count == 1 && conversion.reports.allSatisfy(\.passed))
        #expect(conversion.scheme == "timm" && checkpoint.container == .custom)
        let metadata = try Checkpoint(path: output).metadata
        #expect(metadata.contains { $0.key == "source.container" && $0.value == "custom" })
        let digest = try Digest.sha256(of: [OpenFile(path: file)])
        #expect(metadata.contains { $0.key == "source.sha256" && $0.value == digest })
    }

    /// Every cut is an error that names the file, and none is read as a smaller crate.
    @Test func aCrateCutShortIsRefused() throws {
        let whole = try ByteRegion(try OpenFile(path: file)).array()
        for length in stride(from: 0, to: whole.count, by: 1_499) {
            let cut = try folder.file("cut.crate", Array(whole.prefix(length)))
            let error = #expect(throws: CheckpointError.self) {
                try Checkpoint(path: cut, reading: Crate.read)
            }
            #expect(error?.path == cut && error?.kind == .damaged)
        }
    }

    /// 2⁶² elements, of which not one is there.
    @Test func anAbsurdShapeIsRefused() throws {
        let lengths = [UInt8](repeating: 0, count: 3) + [0x80]
        let absurd = Crate.magic + [1, 0, 0, 0, 1, 0, UInt8(ascii: "a"), 2] + lengths + lengths
        let path = try folder.file("absurd.crate", absurd)
        #expect(throws: CheckpointError.self) { try Checkpoint(path: path, reading: Crate.read) }
    }

    @Test func theArticleShowsTheCodeThatRuns() throws {
        let code = try Article("AddAContainer").code
        #expect(code.count == 2)
        #expect(try code == Article.examples(in: #filePath))
    }
}
