import TensorCore

/// The fixture files of this package, wherever it was cloned to.
package enum Fixtures {
    package static let folder: String = {
        // Tests/TestSupport/Fixtures.swift → Fixtures/
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/") + "/Fixtures/"
    }()

    package static func path(_ name: String) -> String { folder + name }

    package static func bytes(_ name: String) throws -> [UInt8] {
        try ByteRegion(try OpenFile(path: path(name))).array()
    }

    /// The names of the files in a folder of the fixtures, sorted; relative to the fixtures.
    package static func list(_ name: String, suffix: String = "") -> [String] {
        guard let handle = opendir(path(name)) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let file = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !file.hasPrefix("."), file.hasSuffix(suffix) { names.append(name + "/" + file) }
        }
        return names.sorted()
    }
}

/// A folder for a test's own files, gone with its last user.
package final class TemporaryFolder {
    package let path: String

    package init() throws {
        var template = Array("/tmp/vit-convert-tests.XXXXXX".utf8CString)
        guard let made = template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } })
        else {
            throw ByteError(.system(errno), offset: 0)
        }
        path = String(cString: made) + "/"
    }

    deinit {
        Self.remove(path)
    }

    /// Takes a folder away with all that is in it.
    private static func remove(_ folder: String) {
        for name in list(folder) where unlink(folder + name) != 0 { remove(folder + name + "/") }
        rmdir(folder)
    }

    /// The names of the files in the folder, hidden ones included.
    package var names: [String] { Self.list(path) }

    private static func list(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let file = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if file != ".", file != ".." { names.append(file) }
        }
        return names.sorted()
    }

    /// Writes a file of that name and gives its path.
    package func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let descriptor = open(path + name, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0,
            bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == bytes.count
        else { throw ByteError(.system(errno), offset: 0) }
        close(descriptor)
        return path + name
    }
}
