import CSystem
import TensorCore

/// A file that appears whole under its name, or not at all.
///
/// Bytes go to a file without a name (Linux) or with a temporary one beside the target; ``commit()``
/// flushes it to the disk and renames it over the target. Whatever stood there stays untouched until then.
package final class AtomicFile {
    /// Where the file will be: the target itself, or what a symbolic link there points to.
    package let path: String
    private var descriptor: Int32 { places.descriptor }
    private let places: PlacedWriter
    private var temporaryPath: String?
    private var isCommitted = false
    /// The number of bytes written so far: the end of what was written furthest back.
    package private(set) var count = 0
    /// Where the next bytes go.
    private var position = 0

    /// - Throws: `CheckpointError` when the target is a folder or a device, or when its folder cannot be
    ///   written to.
    package init(replacing target: String) throws(CheckpointError) {
        let path = Self.destination(of: target)
        self.path = path
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT != S_IFREG {
            let what = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file"
            throw CheckpointError(.inaccessible, "cannot write there: it is \(what)", path: target)
        }
        if exists, access(path, W_OK) != 0 {
            throw CheckpointError(
                .inaccessible, "cannot write there: \(SystemMessage.text(for: errno))", path: target)
        }
        let folder = Self.folder(of: path)
        let mode = exists ? status.st_mode & 0o777 : 0o666 & ~Self.mask
        var opened = system_open_unnamed(folder, mode)
        if opened < 0 {
            (opened, temporaryPath) = Self.createNamed(beside: path, mode: mode)
        }
        guard opened >= 0 else {
            throw CheckpointError(
                .inaccessible, "cannot write to \(folder): \(SystemMessage.text(for: errno))", path: target)
        }
        places = PlacedWriter(descriptor: opened, path: path)
        // The process's mask does not apply to the mode of a file that is being replaced.
        fchmod(opened, mode)
    }

    deinit {
        close(descriptor)
        if !isCommitted, let temporaryPath { unlink(temporaryPath) }
    }

    private static let mask: mode_t = {
        let mask = umask(0o022)
        umask(mask)
        return mask
    }()

    private static func destination(of target: String) -> String {
        guard let resolved = realpath(target, nil) else { return target }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func temporaryName(beside path: String) -> String {
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        return path[..<slash] + "." + path[slash...] + ".\(suffix).vit-convert"
    }

    private static func createNamed(beside path: String, mode: mode_t) -> (Int32, String?) {
        for _ in 0..<16 {
            let name = temporaryName(beside: path)
            let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
            if descriptor >= 0 { return (descriptor, name) }
            if errno != EEXIST { return (-1, nil) }
        }
        return (-1, nil)
    }

    private func failure(_ code: Int32) -> CheckpointError {
        places.failure(code, at: count)
    }

    // MARK: Writing

    /// Writes the bytes where the last ones ended.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        try put(bytes, at: position)
        advance(by: bytes.count)
    }

    private func advance(by length: Int) {
        position += length
        count = max(count, position)
    }

    /// Continues at `offset`, which may be beyond what was written; what is left out reads as zeros.
    package func seek(to offset: Int) {
        position = offset
    }

    /// Gives the file at least that length; what is added reads as zeros.
    package func extend(to size: Int) throws(CheckpointError) {
        guard size > count else { return }
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw failure(errno) }
        count = size
    }

    /// Writes the bytes where the last ones ended.
    package func write(_ bytes: [UInt8]) throws(CheckpointError) {
        let result = bytes.withUnsafeBytes { buffer -> Result<Void, CheckpointError> in
            do throws(CheckpointError) { return .success(try write(buffer)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Replaces bytes that were written before.
    package func overwrite(_ bytes: [UInt8], at offset: Int) throws(CheckpointError) {
        let result = bytes.withUnsafeBytes { buffer -> Result<Void, CheckpointError> in
            do throws(CheckpointError) { return .success(try put(buffer, at: offset)) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
        try places.put(bytes, at: offset)
    }

    /// Writes a range of another file where the last bytes ended, inside the kernel where it can.
    package func copy(_ file: OpenFile, from offset: Int, count length: Int) throws {
        try places.copy(file, from: offset, count: length, to: position)
        advance(by: length)
    }

    /// Writes a tensor's bytes where the last ones ended, row-major and little-endian.
    package func write(_ view: TensorView) throws {
        try places.write(view, at: position)
        advance(by: view.byteCount)
    }

    /// Writes tensors at their places, those whose bytes have to be computed on all cores, and continues after the
    /// last of them.
    ///
    /// - Throws: what the first of them in the file that cannot be read or written throws, with its name.
    func write(_ tensors: [PlacedTensor]) throws {
        try places.write(tensors)
        position = tensors.reduce(position) { max($0, $1.offset + $1.tensor.view.byteCount) }
        count = max(count, position)
    }

    // MARK: Putting in place

    /// Gives the unnamed file a temporary name.
    private func linked() throws(CheckpointError) -> String {
        let name = Self.temporaryName(beside: path)
        guard system_link_unnamed(descriptor, name) == 0 else { throw failure(errno) }
        return name
    }

    /// Flushes to the disk what was written so far, while somebody else is still at work: ``commit()`` then has
    /// less to wait for.
    package func flush() throws(CheckpointError) {
        guard fsync(descriptor) == 0 else { throw failure(errno) }
    }

    /// Flushes the file to the disk and puts it in place of the target, in one step.
    package func commit() throws(CheckpointError) {
        try flush()
        if temporaryPath == nil { temporaryPath = try linked() }
        guard let temporaryPath, rename(temporaryPath, path) == 0 else { throw failure(errno) }
        isCommitted = true
        // The rename itself reaches the disk with the folder.
        let handle = open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }
}

extension AtomicFile {
    /// What has been written so far, for reading it back before it is put in place.
    package func written() throws(CheckpointError) -> ByteRegion {
        do throws(ByteError) {
            return ByteRegion(try OpenFile(duplicating: descriptor, path: path))
        } catch {
            throw CheckpointError(error, path: path)
        }
    }
}
