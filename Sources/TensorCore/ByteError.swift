/// Bytes that were asked for and could not be had.
///
/// Offsets count from the start of the file (or of the memory) that holds the bytes, so that a message can
/// name the place even when a reader works on a slice.
public struct ByteError: Error, Sendable, Equatable {
    /// What stood in the way.
    public enum Kind: Sendable, Equatable {
        /// The bytes end before what was to be read.
        case truncated
        /// The system refused; the associated value is `errno`.
        case system(Int32)
        /// The file became shorter while it was being read.
        case shrunk
        /// The file was written to while it was being read.
        case changed
        /// The bytes are no text in UTF-8.
        case notText
        /// The bytes are on a server, which does not give them; with the reason.
        case remote(String)
    }

    /// What stood in the way.
    public let kind: Kind
    /// Where, in bytes from the start of the file.
    public let offset: Int
    /// How many bytes were wanted.
    public let needed: Int
    /// How many bytes were there.
    public let available: Int

    package init(_ kind: Kind, offset: Int, needed: Int = 0, available: Int = 0) {
        self.kind = kind
        self.offset = offset
        self.needed = needed
        self.available = available
    }
}

extension ByteError: CustomStringConvertible {
    /// The error in words, without the file's name.
    public var description: String {
        switch kind {
        case .truncated:
            "the file ends too early: expected \(needed) bytes, found \(max(0, available)) at offset \(offset)"
        case .system(let code):
            SystemMessage.text(for: code)
        case .shrunk:
            "the file became shorter while it was being read: expected \(needed) bytes, "
                + "found \(available) at offset \(offset)"
        case .changed:
            "the file changed while it was being read"
        case .notText:
            "expected UTF-8 text, found other bytes at offset \(offset)"
        case .remote(let reason):
            reason
        }
    }
}
