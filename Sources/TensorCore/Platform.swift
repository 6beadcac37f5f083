#if canImport(Glibc)
    @_exported import Glibc
#elseif canImport(Musl)
    @_exported import Musl
#elseif canImport(Darwin)
    @_exported import Darwin
#endif

/// The system's own wording of its error codes.
package enum SystemMessage {
    /// "No such file or directory" and the like.
    package static func text(for code: Int32) -> String {
        // strerror's buffer is per thread in glibc and Darwin.
        guard let text = strerror(code) else { return "system error \(code)" }
        return String(cString: text)
    }
}
