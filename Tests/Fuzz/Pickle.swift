import TensorCore
import TestSupport

@testable import Checkpoints

/// A pickle by itself: through the machine and the scan, and as the `data.pkl` of an archive with storages, so that
/// what it says of tensors is followed as well.
extension FuzzTarget {
    static let pickle = FuzzTarget(
        name: "pickle", longest: 8 << 10, executions: 8000,
        fixtures: {
            files(in: ["torch", "sweep", "attacks", "security"], [".pth", ".pt", "patterns.json"])
        },
        parts: pickles,
        isOfUse: { bytes in
            let region = ByteRegion(bytes)
            _ = SecurityReport(bytes: region)
            let archive = try? ZipArchive(ByteRegion(archive(of: bytes)))
            guard let archive, let contents = try? TorchZip.read(archive, root: "a/") else { return true }
            for tensor in contents.tensors.prefix(64) { try? tensor.view.forEachChunk(of: 1 << 20) { _ in } }
            return true
        })

    /// The pickles in a fixture.
    @Sendable private static func pickles(_ bytes: [UInt8]) -> [[UInt8]] {
        if let patterns = (try? JSONParser.parse(bytes))?["patterns"]?.array {
            return patterns.compactMap { $0["pickle"]?.string }.map(base64)
        }
        guard let archive = try? ZipArchive(ByteRegion(bytes)) else { return [bytes] }
        return archive.entries.filter { $0.name.hasSuffix(".pkl") }.compactMap {
            try? archive.contents(of: $0, limit: 1 << 20).array()
        }
    }

    private static func base64(_ text: String) -> [UInt8] {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        var bits = 0
        var count = 0
        for digit in text.utf8 {
            guard let value = digits.firstIndex(of: digit) else { break }
            bits = (bits << 6 | value) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return bytes
    }

    // MARK: The archive

    /// Storages under the keys that `torch.save` gives, with what fixtures keep in them.
    private static let storages = (0..<8).map { number in
        (name: "a/data/\(number)", bytes: [UInt8](repeating: 0, count: 256))
    }

    private static func archive(of pickle: [UInt8]) -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        let members = [(name: "a/data.pkl", bytes: pickle)] + storages
        for member in members {
            let start = archive.count
            // From the version to the length of the extra field; checksums of stored members are not looked at.
            let common =
                [10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + little(member.bytes.count)
                + little(member.bytes.count) + little(member.name.utf8.count)
            archive += [0x50, 0x4B, 3, 4] + common + member.name.utf8 + member.bytes
            directory += [0x50, 0x4B, 1, 2, 10, 0] + common
            directory += [UInt8](repeating: 0, count: 10) + little(start) + member.name.utf8
        }
        let count = UInt8(members.count)
        let end = [0x50, 0x4B, 5, 6, 0, 0, 0, 0, count, 0, count, 0] + little(directory.count)
        return archive + directory + end + little(archive.count) + [0, 0]
    }

    /// Four bytes.
    private static func little(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
