import TensorCore

/// Things that are saved under a checkpoint's name and are none, each called by its own name.
enum Refusal {
    /// What the bytes are, when no container matches.
    static func reason(_ probe: Probe) -> CheckpointError {
        if probe.region.count == 0 { return CheckpointError(.unrecognized, "the file is empty") }
        for (signature, detail) in signatures where probe.starts(with: signature) {
            return CheckpointError(.unsupported, detail)
        }
        if probe.starts(with: "version https://git-lfs") {
            var error = CheckpointError(
                .unrecognized,
                "this is a Git LFS pointer, not the file itself: fetch it with \"git lfs pull\"")
            error.mistaken = .gitLFSPointer(byteCount: pointedSize(probe.head))
            return error
        }
        let text = String(decoding: probe.head.prefix(512), as: UTF8.self).lowercased()
            .drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<head") {
            var error = CheckpointError(
                .unrecognized,
                "this is an HTML page, not a checkpoint: the download probably went to a web page "
                    + "(a login, a preview or an error) instead of the file")
            error.mistaken = .htmlPage
            return error
        }
        if text.hasPrefix("<?xml") {
            return CheckpointError(
                .unrecognized, "this is an XML document, often a storage server's error message")
        }
        if let first = probe.head.first, first == 0x80, probe.head.count > 1, (2...5).contains(probe.head[1])
        {
            return CheckpointError(
                .unsupported,
                "this is a bare Python pickle without PyTorch's container around it: load it in Python "
                    + "and save the state dictionary with torch.save or safetensors")
        }
        if text.hasPrefix("{") {
            return CheckpointError(
                .unrecognized,
                "this is a JSON text; of those, only a \"*.index.json\" of a sharded checkpoint is read")
        }
        if probe.head.allSatisfy({ $0 == 0 }) {
            return CheckpointError(
                .unrecognized, "the file begins with nothing but zeros: an unfinished download?")
        }
        let start = probe.head.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(
            separator: " ")
        return CheckpointError(
            .unrecognized,
            "no checkpoint of a known kind (\(probe.region.count) bytes, the first are \(start))")
    }

    /// The line `size N` of a pointer.
    private static func pointedSize(_ head: [UInt8]) -> Int? {
        for line in head.split(separator: UInt8(ascii: "\n")) where line.starts(with: "size ".utf8) {
            return Int(String(decoding: line.dropFirst(5), as: UTF8.self))
        }
        return nil
    }

    private static let signatures: [([UInt8], String)] = [
        ([0x1F, 0x8B], "a gzip-compressed file: decompress it first, with gunzip"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "an xz-compressed file: decompress it first, with unxz"),
        ([0x28, 0xB5, 0x2F, 0xFD], "a zstd-compressed file: decompress it first, with unzstd"),
        (Array("BZh".utf8), "a bzip2-compressed file: decompress it first, with bunzip2"),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive: unpack it first"),
        (Array("GGUF".utf8), "a GGUF file, whose quantised language models are not what this tool converts"),
        (
            Array("PYTORCH1".utf8),
            "a file of PyTorch's 1.0 preview releases, whose container nothing reads any more"
        ),
        ([0x0A, 0x08], "probably an ONNX model or another protocol-buffer file, which is not read"),
    ]

    /// A zip archive that is neither PyTorch's nor NumPy's.
    static func zip(_ archive: ZipArchive) -> CheckpointError {
        let names = archive.entries.map(\.name)
        if names.contains(where: { $0.contains(".data/extern_modules") || $0.hasSuffix(".data/version") }) {
            return CheckpointError(
                .unsupported,
                "a torch.package archive, which holds a program beside its weights: load it in Python "
                    + "and save the state dictionary with torch.save")
        }
        let list =
            names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", … (\(names.count) members)" : "")
        return CheckpointError(
            .unrecognized, "a zip archive without a PyTorch pickle or NumPy arrays in it; it holds \(list)")
    }
}
