import CDeflate
import TestSupport
import Testing

@testable import Checkpoints
@testable import TensorCore

/// Members inflated as a whole by libdeflate, and piece by piece by zlib.
@Suite struct InflateTests {
    /// Of 300,000 bytes, half of them compressible.
    private static let plain: [UInt8] = {
        var state: UInt32 = 1
        return (0..<300_000).map { index in
            state = state &* 1_664_525 &+ 1_013_904_223
            return index % 2000 < 1000 ? UInt8(state >> 24) : UInt8(index / 2000 % 256)
        }
    }()

    private static func deflated() throws -> [UInt8] {
        var stream: [UInt8] = []
        let deflate = Deflate { stream += $0 }
        try plain.withUnsafeBytes { try deflate.append($0) }
        try deflate.finish()
        return stream
    }

    private static var checksum: UInt32 { plain.withUnsafeBytes { CRC32.value(of: $0) } }

    @Test func bothLibrariesInflateTheSame() throws {
        try #require(deflate_has_library(), "libdeflate (Debian's libdeflate0) is not installed")
        let stream = ByteRegion(try Self.deflated())
        let atOnce = try Inflate.atOnce(stream, size: Self.plain.count, crc32: Self.checksum)
        let inPieces = try Inflate.inPieces(
            stream, size: Self.plain.count, crc32: Self.checksum, member: "m")
        #expect(try #require(atOnce).array() == Self.plain)
        #expect(try inPieces.array() == Self.plain)
    }

    @Test func bothLibrariesComputeTheSameChecksum() throws {
        let bytes = Self.plain
        var library: UInt32 = 0
        try #require(bytes.withUnsafeBytes { deflate_crc32(&library, $0.baseAddress, $0.count) })
        // Pieces below the size from which the library is asked go through zlib.
        var pieces = CRC32()
        for start in stride(from: 0, to: bytes.count, by: 50_000) {
            let piece = Array(bytes[start..<start + 50_000])
            pieces.append(piece.withUnsafeBytes { CRC32.value(of: $0) }, count: piece.count)
        }
        #expect(pieces.value == library)
    }

    /// What libdeflate refuses is told by zlib, whose message says where.
    @Test(arguments: [
        ("size + 1", 1, 0, false, "inflates to 300000 bytes, expected 300001"),
        ("size - 1", -1, 0, false, "inflates to more than the 299999 bytes claimed"),
        ("checksum", 0, 1, false, "checksum"),
        ("damage", 0, 0, true, "damaged after"),
    ])
    func whatIsWrongIsTold(
        _ name: String, sizeOff: Int, checksumOff: UInt32, cut: Bool, message: String
    ) throws {
        var bytes = try Self.deflated()
        if cut { bytes.removeLast(bytes.count / 2) }
        let stream = ByteRegion(bytes)
        let (size, checksum) = (Self.plain.count + sizeOff, Self.checksum &+ checksumOff)
        #expect(try Inflate.atOnce(stream, size: size, crc32: checksum) == nil)
        let error = #expect(throws: CheckpointError.self) {
            try Inflate.whole(stream, size: size, crc32: checksum, member: "m")
        }
        #expect("\(String(describing: error))".contains(message))
    }
}
