import CSystem
import TensorCore

/// A file that appears whole under its name, or not at all.
///
/// Bytes go to a file without a name (Linux) or with a temporary one beside the target; ``commit()``
/// flushes it to the disk and puts it in place of the target. Whatever stood there stays untouched until then.
package final class AtomicFile {
    /// Where the file will be: the target itself, or what a symbolic link there points to.
    package let path: String
    private var descriptor: Int32 { places.descriptor }
    private var places: PlacedWriter
    private let temporaryName: TemporaryName
    private var temporary: UnfinishedFile?
    private var placement = Placement.none
    /// Where the whole file is sent in place of being given a name.
    private let stream: Int32?
    /// The number of bytes written so far: the end of what was written furthest back.
    package private(set) var count = 0
    /// Where the next bytes go.
    private var position = 0

    /// What became of the target.
    private enum Placement {
        case none
        /// Nothing had stood there.
        case new
        /// What had stood there still has a second name, where that could be given.
        case replaced(old: UnfinishedFile?)
    }

    /// - Parameter newFolder: the target's folder when it is not there yet: the file is written beside it.
    /// - Throws: `CheckpointError` when the target is a folder or a device, or when its folder cannot be
    ///   written to.
    package init(replacing target: String, newFolder: String? = nil) throws(CheckpointError) {
        let path = try Self.destination(of: target)
        self.path = path
        stream = nil
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
        let neighbour = newFolder ?? path
        let folder = Self.folder(of: neighbour)
        temporaryName = TemporaryName(beside: neighbour)
        temporaryName.removeStale()
        let mode = exists ? status.st_mode & 0o777 : 0o666 & ~Self.mask
        var opened = system_open_unnamed(folder, mode)
        if opened >= 0 {
            TemporaryName.lock(opened)
        } else {
            let created = temporaryName.create(mode: mode)
            opened = created.descriptor
            guard opened >= 0 else {
                throw CheckpointError(
                    .inaccessible, "cannot write to \(folder): \(SystemMessage.text(for: created.code))",
                    path: target)
            }
            temporary = UnfinishedFile(created.path)
        }
        places = PlacedWriter(descriptor: opened, path: path)
        // The process's mask does not apply to the mode of a file that is being replaced. Where modes cannot be
        // set, the file is readable to no more than it was.
        fchmod(opened, mode)
    }

    /// A file that goes to an open descriptor once it is whole, and until then has no name.
    package init(sendingTo stream: Int32, named name: String) throws(CheckpointError) {
        do throws(ByteError) {
            places = PlacedWriter(descriptor: try SpooledFile.open(), path: name)
        } catch {
            throw CheckpointError(error, path: name)
        }
        path = name
        self.stream = stream
        temporaryName = TemporaryName(beside: name)
    }

    deinit {
        // The lock goes with the descriptor: the name has to go first.
        temporary?.remove()
        close(descriptor)
    }

    /// Removes what killed runs left beside a folder that they were to make.
    package static func removeStale(besideFolder folder: String) {
        TemporaryName(beside: folder).removeStale()
    }

    private static let mask: mode_t = {
        let mask = umask(0o022)
        umask(mask)
        return mask
    }()

    /// Follows symbolic links, to what is there or to where something may be.
    private static func destination(of target: String) throws(CheckpointError) -> String {
        var path = target
        for _ in 0..<40 {
            if let resolved = realpath(path, nil) {
                defer { free(resolved) }
                return String(cString: resolved)
            }
            var text = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlink(path, &text, text.count)
            guard length > 0 else { return path }
            let link = String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let folder = link.hasPrefix("/") ? "" : path.lastIndex(of: "/").map { path[...$0] } ?? ""
            path = folder + link
        }
        throw CheckpointError(
            .inaccessible, "cannot write there: \(SystemMessage.text(for: ELOOP))", path: target)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func failure(_ code: Int32) -> CheckpointError {
        places.failure(code, at: count)
    }

    // MARK: Writing

    /// Has the bytes that are written from here on counted.
    package func tell(_ progress: ProgressTask?) { places.progress = progress }

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

    /// Flushes to the disk what was written so far, while somebody else is still at work: ``commit()`` then has
    /// less to wait for.
    package func flush() throws(CheckpointError) {
        guard stream == nil else { return }
        let task = Progress.begin("flushing \(path) to the disk", of: 0)
        defer { task?.end() }
        guard fsync(descriptor) == 0 else { throw failure(errno) }
    }

    /// Flushes the file to the disk and puts it in place of the target, in one step.
    package func commit() throws(CheckpointError) {
        try Self.commit([self])
    }

    /// Flushes files to the disk and puts them in place, all of them or none.
    ///
    /// - Parameter newFolder: a folder to be made for them.
    package static func commit(
        _ files: [AtomicFile], newFolder: String? = nil
    ) throws(CheckpointError) {
        if let file = files.first, let stream = file.stream, files.count == 1 {
            return try file.places.send(file.count, to: stream)
        }
        for file in files { try file.finish() }
        // From here on it takes a few calls, which a signal waits for.
        system_hold_signals()
        defer { system_release_signals() }
        var isNew = false
        if let newFolder {
            isNew = mkdir(newFolder, 0o777) == 0
            guard isNew || errno == EEXIST else {
                throw CheckpointError(
                    .inaccessible, "cannot make the folder: \(SystemMessage.text(for: errno))",
                    path: newFolder)
            }
        }
        do throws(CheckpointError) {
            for (index, file) in files.enumerated() { try file.place(keepsOld: index < files.count - 1) }
        } catch {
            for file in files.reversed() { file.takeBack() }
            if isNew, let newFolder { rmdir(newFolder) }
            throw error
        }
        for file in files { file.placement = .none }
        for folder in Set(
            files.map { Self.folder(of: $0.path) } + (newFolder.map { [Self.folder(of: $0)] } ?? []))
        {
            try flush(folder: folder)
        }
    }

    /// Everything that may fail for want of space.
    private func finish() throws(CheckpointError) {
        try flush()
        // Some file systems tell of a failure only when a descriptor is closed; this one still holds the lock.
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, close(copy) == 0 || errno == EINTR else { throw failure(errno) }
    }

    private func place(keepsOld: Bool) throws(CheckpointError) {
        if temporary == nil {
            if system_link_unnamed(descriptor, path) == 0 {
                placement = .new
                return
            }
            guard errno == EEXIST else { throw failureToPlace(errno) }
            let name = temporaryName.fresh()
            guard system_link_unnamed(descriptor, name) == 0 else { throw failureToPlace(errno) }
            temporary = UnfinishedFile(name)
        }
        guard let temporary else { return }
        var status = stat()
        let exists = lstat(path, &status) == 0
        var old: UnfinishedFile?
        if exists, keepsOld {
            let name = TemporaryName(beside: path).fresh()
            if link(path, name) == 0 { old = UnfinishedFile(name) }
        }
        guard rename(temporary.path, path) == 0 else {
            let code = errno
            old?.remove()
            throw failureToPlace(code)
        }
        temporary.forget()
        self.temporary = nil
        placement = exists ? .replaced(old: old) : .new
    }

    /// Brings back what stood there before.
    private func takeBack() {
        switch placement {
        case .none: break
        case .new: unlink(path)
        case .replaced(let old):
            if let old, rename(old.path, path) == 0 { old.forget() }
        }
        placement = .none
    }

    private func failureToPlace(_ code: Int32) -> CheckpointError {
        CheckpointError(
            .inaccessible, "cannot be put in place: \(SystemMessage.text(for: code))", path: path)
    }

    /// The names reach the disk with the folder.
    private static func flush(folder: String) throws(CheckpointError) {
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // A folder may be closed to readers.
        guard handle >= 0 else { return }
        defer { close(handle) }
        // Some file systems flush no folders, and say so.
        guard fsync(handle) == 0 || ![EIO, ENOSPC, EDQUOT].contains(errno) else {
            throw CheckpointError(
                .inaccessible,
                "the files in it are whole, but their names may not last: \(SystemMessage.text(for: errno))",
                path: folder)
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
