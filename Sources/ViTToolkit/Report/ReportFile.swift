import Checkpoints
import TensorCore

/// Where a page goes: a file that appears whole or not at all, and replaces nothing that was read for it.
public struct ReportFile {
    private let file: AtomicFile

    /// Proves that a page can be written there.
    ///
    /// - Parameters:
    ///   - path: the file's name.
    ///   - checkpoints: what the page is about.
    ///   - others: the paths of other files that are read for it.
    /// - Throws: `ToolkitError.outputIsInput`; `CheckpointError` when nothing can be written there.
    public init(path: String, about checkpoints: [Checkpoint], reading others: [String] = []) throws {
        let read = Set(
            checkpoints.flatMap { $0.files.map(\.identity) }
                + others.compactMap { try? OpenFile(path: $0).identity })
        if let existing = try? OpenFile(path: path), read.contains(existing.identity) {
            throw ToolkitError.outputIsInput(path)
        }
        file = try AtomicFile(replacing: path)
    }

    /// Writes the page and puts it in place.
    ///
    /// - Throws: `CheckpointError` when it cannot be written; what stood there before then stays.
    public func write(_ page: String) throws {
        try file.write(Array(page.utf8))
        try file.commit()
    }
}
