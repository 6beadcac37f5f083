import CSystem
import TensorCore

/// A file that appears whole under its name, or not at all.
///
/// Bytes go to a file without a name (Linux) or with a temporary one beside the target; ``commit()``
/// flushes it to the disk and renames it over the target. Whatever stood there stays untouched until then.
package final class AtomicFile {
    /// Where the file will be: the target itself, or what a symbolic link there points to.
    package let path: String
    fileprivate let descriptor: Int32
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
        descriptor = opened
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
        CheckpointError(
            .inaccessible, "writing failed after \(count) bytes: \(SystemMessage.text(for: code))", path: path
        )
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
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure(errno)
            }
            guard written > 0 else { throw failure(ENOSPC) }
            done += written
        }
    }

    /// Writes a range of another file where the last bytes ended, inside the kernel where it can.
    package func copy(_ file: OpenFile, from offset: Int, count length: Int) throws {
        var done = 0
        while done < length {
            let copied = system_copy_range(
                file.descriptor, off_t(offset + done), descriptor, off_t(position),
                min(length - done, 16 << 20))
            if copied < 0 {
                if errno == EINTR { continue }
                // Another file system, or a kernel without it: the bytes go through memory instead.
                if [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM].contains(errno) { break }
                throw failure(errno)
            }
            // Nothing copied: either the end of a file that shrank, which reading will tell, or a file
            // system whose files cannot be copied so.
            if copied == 0 { break }
            done += copied
            advance(by: copied)
        }
        guard done < length else { return }
        let buffer = HeapBytes(count: min(length - done, 4 << 20))
        while done < length {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer.buffer[0..<min(buffer.buffer.count, length - done)])
            try file.read(into: piece, at: offset + done)
            try write(UnsafeRawBufferPointer(piece))
            done += piece.count
        }
    }

    /// Writes a tensor's bytes where the last ones ended, row-major and little-endian.
    package func write(_ view: TensorView) throws {
        if let region = view.plainRegion, let place = region.filePlace {
            return try copy(place.file, from: place.offset, count: region.count)
        }
        if case .joined(let parts) = view.storage, view.isContiguous, view.offset == 0,
            view.byteCount == view.storage.byteCount(of: view.dtype)
        {
            for part in parts { try write(part) }
            return
        }
        try view.forEachChunk { try write($0) }
    }

    // MARK: Putting in place

    /// Gives the unnamed file a temporary name.
    private func linked() throws(CheckpointError) -> String {
        let name = Self.temporaryName(beside: path)
        guard system_link_unnamed(descriptor, name) == 0 else { throw failure(errno) }
        return name
    }

    /// Flushes the file to the disk and puts it in place of the target, in one step.
    package func commit() throws(CheckpointError) {
        guard fsync(descriptor) == 0 else { throw failure(errno) }
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
