import CSystem
import TensorCore

/// The names of files that are on their way to a target, beside it: `.NAME.<random>.vit-convert`.
///
/// Whoever writes such a file holds a lock on it, which the system takes back when the process ends, however that
/// comes about: a file that nobody holds was left by a run that was killed.
struct TemporaryName {
    /// The folder, with its separator; empty for the working directory.
    private let folder: String
    private let start: String
    private static let ending = ".vit-convert"

    init(beside path: String) {
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        folder = String(path[..<slash])
        // The rest of what file systems take for a name, 255 bytes, is for the ending.
        var name = path[slash...]
        while name.utf8.count > 200 { name.removeLast() }
        start = ".\(name)."
    }

    /// A name that nobody else comes by.
    func fresh() -> String {
        folder + start + String(UInt64.random(in: 0...UInt64.max), radix: 36) + Self.ending
    }

    /// Creates a file under a fresh name and locks it; a descriptor of -1 comes with the system's code.
    func create(mode: mode_t) -> (descriptor: Int32, path: String, code: Int32) {
        var code = EEXIST
        for _ in 0..<16 {
            let path = fresh()
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)
            guard descriptor >= 0 else {
                code = errno
                if code == EEXIST { continue }
                break
            }
            var status = stat()
            code = Self.lock(descriptor)
            // Between creating and locking, another run may have taken the file for one that was left.
            if code == 0, fstat(descriptor, &status) == 0, status.st_nlink > 0 {
                return (descriptor, path, 0)
            }
            close(descriptor)
            unlink(path)
            guard code == 0 || code == EWOULDBLOCK else { break }
        }
        return (-1, "", code == 0 ? EIO : code)
    }

    /// Marks the file as somebody's; the system's code where that fails, 0 where the file system knows no locks.
    @discardableResult
    static func lock(_ descriptor: Int32) -> Int32 {
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return 0 }
        return [ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL].contains(errno) ? 0 : errno
    }

    /// Removes what killed runs left on the way to the same target.
    func removeStale() {
        guard let handle = opendir(folder.isEmpty ? "." : folder) else { return }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if isTemporary(name) { removeIfStale(folder + name) }
        }
    }

    private func isTemporary(_ name: String) -> Bool {
        guard name.hasPrefix(start), name.hasSuffix(Self.ending) else { return false }
        let random = name.dropFirst(start.count).dropLast(Self.ending.count)
        return (1...13).contains(random.utf8.count)
            && random.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    }

    private func removeIfStale(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        // Where the file system knows no locks, nobody can tell, and the file stays.
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            flock(descriptor, LOCK_EX | LOCK_NB) == 0
        else { return }
        unlink(path)
    }
}
