import Crypto
import TensorCore

/// SHA-256, in lower-case hexadecimal.
package enum Digest {
    /// Of a tensor's bytes, row-major and little-endian.
    package static func sha256(_ view: TensorView) throws -> String {
        var hash = SHA256()
        try view.forEachChunk(of: 1 << 20) { hash.update(bufferPointer: $0) }
        return text(hash)
    }

    /// Of bytes in a file or in memory.
    package static func sha256(_ region: ByteRegion) throws -> String {
        try sha256(region, nil)
    }

    private static func sha256(
        _ region: ByteRegion, _ progress: ProgressTask?, while isWanted: () -> Bool = { true }
    ) throws -> String {
        var hash = SHA256()
        let buffer = HeapBytes(count: min(1 << 20, region.count))
        for start in stride(from: 0, to: region.count, by: buffer.buffer.count) {
            guard isWanted() else { throw CancellationError() }
            let count = min(buffer.buffer.count, region.count - start)
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.buffer[0..<count])
            try region.read(into: piece, at: start)
            hash.update(bufferPointer: UnsafeRawBufferPointer(piece))
            progress?.advance(by: count)
        }
        return text(hash)
    }

    /// Of a text's bytes in UTF-8, as 32 bytes.
    package static func sha256(of text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// Of a checkpoint's file; of several, the digest of their digests, each on a line.
    ///
    /// - Parameter isWanted: asked from time to time; where it says no, `CancellationError` is thrown.
    package static func sha256(of files: [OpenFile], while isWanted: () -> Bool = { true }) throws -> String {
        let task = Progress.begin("digest of the source", of: files.reduce(0) { $0 + $1.size })
        defer { task?.end() }
        let digests = try files.map { try sha256(ByteRegion($0), task, while: isWanted) }
        if digests.count == 1 { return digests[0] }
        return try sha256(ByteRegion(Array(digests.map { $0 + "\n" }.joined().utf8)))
    }

    private static func text(_ hash: SHA256) -> String {
        hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
