import TensorCore
import Testing

@Suite struct ByteReaderTests {
    @Test func nothingIsReadPastTheEnd() throws {
        var reader = ByteReader(ByteRegion([1, 2, 3]))
        #expect(try reader.integer(UInt16.self) == 0x0201)
        #expect(throws: ByteError.self) { try reader.integer(UInt16.self) }
        #expect(try reader.byte() == 3 && reader.isAtEnd)
        #expect(throws: ByteError.self) { try reader.byte() }
        #expect(throws: ByteError.self) { try reader.skip(-1) }
        #expect(throws: ByteError.self) { try reader.bytes(Int.max) }
        #expect(throws: ByteError.self) { try reader.region(-1) }
        #expect(throws: ByteError.self) { try reader.seek(to: 4) }
    }

    @Test func offsetsCountFromTheStartOfTheFile() throws {
        var reader = ByteReader(try ByteRegion([0, 1, 2, 3, 4]).slice(2, 3))
        try reader.skip(1)
        let error = #expect(throws: ByteError.self) { try reader.bytes(9) }
        #expect(error?.offset == 3 && error?.needed == 9 && error?.available == 2)
    }

    /// The window over a file is smaller than the file.
    @Test func aFileIsReadThroughAWindow() throws {
        var template = Array("/tmp/vit-convert-reader.XXXXXX".utf8CString)
        let descriptor = template.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
        let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        defer { unlink(path) }
        let bytes = (0..<200_003).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
        close(descriptor)
        var reader = ByteReader(ByteRegion(try OpenFile(path: path)))
        var found: [UInt8] = []
        while reader.remaining >= 8 {
            found += withUnsafeBytes(of: try reader.integer(UInt64.self).littleEndian) { [UInt8]($0) }
        }
        while !reader.isAtEnd { found.append(try reader.byte()) }
        #expect(found == bytes)
        try reader.seek(to: 100_000)
        #expect(try reader.bytes(300) == Array(bytes[100_000..<100_300]))
    }
}
