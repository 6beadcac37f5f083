import CSystem

/// Files without a name, for what has to be read or written from end to end more than once. They go when they are
/// closed, also when the process is killed.
package enum SpooledFile {
    /// A new empty file, in the folder for large temporary files: TMPDIR, else /var/tmp, else /tmp, which often is memory.
    ///
    /// - Returns: its descriptor, which the caller closes.
    package static func open() throws(ByteError) -> Int32 {
        var code = ENOENT
        for folder in [getenv("TMPDIR").map { String(cString: $0) } ?? "", "/var/tmp", "/tmp"]
        where !folder.isEmpty {
            let descriptor = system_open_unnamed(folder, 0o600)
            if descriptor >= 0 { return descriptor }
            var path = Array((folder + "/vit-convert.XXXXXX").utf8CString)
            let named = path.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
            if named >= 0 {
                unlink(path)
                _ = fcntl(named, F_SETFD, FD_CLOEXEC)
                return named
            }
            code = errno
        }
        throw ByteError(.system(code), offset: 0)
    }

    /// Writes all of the bytes, from `offset` of the file on.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int
    ) throws(ByteError) {
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw ByteError(.system(written < 0 ? errno : ENOSPC), offset: offset + done)
            }
            done += written
        }
    }
}

extension OpenFile {
    /// An open descriptor as a file: itself where it is one that stands at its beginning, else what comes through it,
    /// written to a file without a name.
    ///
    /// - Throws: the system's code when the stream cannot be read or the disk is full.
    package convenience init(stream: Int32, named name: String) throws(ByteError) {
        var status = stat()
        guard fstat(stream, &status) == 0 else { throw ByteError(.system(errno), offset: 0) }
        if status.st_mode & S_IFMT == S_IFREG, lseek(stream, 0, SEEK_CUR) == 0 {
            try self.init(duplicating: stream, path: name)
            return
        }
        let descriptor = try SpooledFile.open()
        defer { close(descriptor) }
        try Self.spool(stream, to: descriptor)
        try self.init(duplicating: descriptor, path: name)
    }

    private static func spool(_ source: Int32, to target: Int32) throws(ByteError) {
        let bytes = HeapBytes(count: 1 << 20)
        let task = Progress.begin("reading what is piped", of: 0)
        defer { task?.end() }
        var offset = 0
        while true {
            let count = platformRead(source, bytes.buffer)
            if count < 0 {
                if errno == EINTR { continue }
                throw ByteError(.system(errno), offset: offset)
            }
            guard count > 0 else { return }
            try SpooledFile.write(
                UnsafeRawBufferPointer(rebasing: bytes.buffer[0..<count]), to: target, at: offset)
            offset += count
            task?.advance(by: count)
        }
    }
}

private func platformRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
