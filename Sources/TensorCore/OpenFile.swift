import CSystem
import Synchronization

/// A file that is open for reading, and mapped only when somebody needs its bytes in memory.
///
/// Directories and headers are read with `pread`, and bulk data is copied inside the kernel; both report a
/// file that shrinks, where a mapping would end the process. Only the model maps its parameters.
package final class OpenFile: Sendable {
    package let path: String
    package let descriptor: Int32
    /// The length in bytes at the time of opening.
    package let size: Int
    /// Which file this is, whatever its name: for telling whether two paths are the same file.
    package let identity: FileIdentity
    /// Who brings the bytes, where they are not all there.
    package let supply: (any FileSupply)?
    private let lastChange: timespec
    private let mapping = Mutex<UInt>(0)
    private let firstFailure = Mutex<ByteError?>(nil)

    package struct FileIdentity: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64
    }

    /// Opens a regular file.
    ///
    /// - Throws: `ByteError` with the system's code; a folder is `EISDIR`, a pipe or device `ESPIPE`.
    package convenience init(path: String) throws(ByteError) {
        // O_NONBLOCK keeps a FIFO without a writer from blocking; regular files ignore it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ByteError(.system(errno), offset: 0) }
        try self.init(owning: descriptor, path: path)
    }

    /// Another handle on a file that is open for writing elsewhere.
    package convenience init(duplicating descriptor: Int32, path: String) throws(ByteError) {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw ByteError(.system(errno), offset: 0) }
        try self.init(owning: copy, path: path)
    }

    /// A file that is filled as it is read.
    ///
    /// - Parameters:
    ///   - descriptor: a file of the full length, for writing too; it is closed with the last user.
    ///   - path: its name, for messages.
    ///   - supply: who writes the bytes to it.
    package convenience init(
        filling descriptor: Int32, path: String, from supply: any FileSupply
    ) throws(ByteError) {
        try self.init(owning: descriptor, path: path, supply: supply)
    }

    private init(
        owning descriptor: Int32, path: String, supply: (any FileSupply)? = nil
    ) throws(ByteError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw ByteError(.system(code), offset: 0)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ByteError(.system(status.st_mode & S_IFMT == S_IFDIR ? EISDIR : ESPIPE), offset: 0)
        }
        self.path = path
        self.descriptor = descriptor
        self.supply = supply
        size = Int(status.st_size)
        identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        lastChange = Self.lastChange(status)
    }

    private static func lastChange(_ status: stat) -> timespec {
        #if canImport(Darwin)
            status.st_mtimespec
        #else
            status.st_mtim
        #endif
    }

    deinit {
        let address = mapping.withLock { $0 }
        if let pointer = UnsafeMutableRawPointer(bitPattern: address) {
            system_unmapped(pointer)
            munmap(pointer, size)
        }
        close(descriptor)
    }

    /// The first failure to read it: somebody who asked whether these bytes are of some kind may have taken it for a no.
    package var failure: ByteError? { supply?.failure ?? firstFailure.withLock { $0 } }

    private func keep(_ failure: ByteError) -> ByteError {
        firstFailure.withLock { $0 = $0 ?? failure }
        return failure
    }

    /// Fills `buffer` from `offset` on.
    ///
    /// - Throws: `ByteError` with the system's code or `.shrunk`, which ``failure`` keeps.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ByteError) {
        try supply?.provide(offset..<offset + buffer.count, in: descriptor)
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw keep(ByteError(.system(errno), offset: offset + done))
            }
            if count == 0 {
                throw keep(ByteError(.shrunk, offset: offset + done, needed: buffer.count, available: done))
            }
            done += count
        }
    }

    /// Proves that the file is what it was when it was opened, as far as its size and the time of its last change
    /// tell: what was read in between belongs together.
    package func proveUnchanged() throws(ByteError) {
        // Its supply compares each answer with the first.
        guard supply == nil else { return }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ByteError(.system(errno), offset: 0) }
        let change = Self.lastChange(status)
        guard Int(status.st_size) == size, change.tv_sec == lastChange.tv_sec,
            change.tv_nsec == lastChange.tv_nsec
        else { throw ByteError(.changed, offset: 0) }
    }

    /// A part of the file in memory, which is mapped on first use and until the last user is gone.
    package func mapped(_ range: Range<Int>) throws(ByteError) -> UnsafeRawBufferPointer {
        guard size > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        try supply?.provide(range, in: descriptor)
        var code: Int32 = 0
        let address = mapping.withLock { address in
            if address == 0 {
                // Only a shared mapping is bound to show what is written to the file later.
                let kind = supply == nil ? MAP_PRIVATE : MAP_SHARED
                let pointer = mmap(nil, size, PROT_READ, kind, descriptor, 0)
                if let pointer, pointer != MAP_FAILED {
                    address = UInt(bitPattern: pointer)
                    system_mapped(pointer, size, path)
                } else {
                    code = errno
                }
            }
            return address
        }
        guard let pointer = UnsafeRawPointer(bitPattern: address) else {
            throw ByteError(.system(code), offset: 0)
        }
        return UnsafeRawBufferPointer(start: pointer + range.lowerBound, count: range.count)
    }
}
