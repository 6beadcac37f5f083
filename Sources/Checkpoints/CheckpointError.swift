import TensorCore

/// Why a checkpoint cannot be read or written: a coarse kind, the place, and what was expected and found.
public struct CheckpointError: Error, Sendable {
    /// Coarse enough to act upon.
    public enum Kind: Sendable {
        /// The system does not let us open, read or write the file.
        case inaccessible
        /// The bytes are no checkpoint of any kind we know.
        case unrecognized
        /// A known thing that we do not read.
        case unsupported
        /// A known container whose contents contradict themselves or end too early.
        case damaged
    }

    /// Coarse enough to act upon.
    public let kind: Kind
    /// What was expected and what was found.
    public let detail: String
    /// The file, when known.
    public var path: String?
    /// The member, tensor or pickle concerned, when there is one.
    public var part: String?
    /// The place in the file, in bytes, when there is one.
    public var offset: Int?
    /// Which bytes were asked for, where they could not be had.
    private(set) var bytes: ByteError?
    /// How much is missing, of a file that ends too early.
    public internal(set) var truncation: Truncation?
    /// What was saved under a checkpoint's name in place of one, where that is known.
    public internal(set) var mistaken: Mistaken?

    /// Things that are saved under a checkpoint's name.
    public enum Mistaken: Sendable, Equatable {
        /// A web page.
        case htmlPage
        /// A pointer of Git LFS to a file of so many bytes.
        case gitLFSPointer(byteCount: Int?)
    }

    package init(_ kind: Kind, _ detail: String, path: String? = nil, part: String? = nil, offset: Int? = nil)
    {
        self.kind = kind
        self.detail = detail
        self.path = path
        self.part = part
        self.offset = offset
    }

    /// Whatever a reader threw, told as an error of this layer.
    package init(_ error: any Error, path: String? = nil, part: String? = nil) {
        switch error {
        case let error as CheckpointError:
            self = error
            self.path = error.path ?? path
            self.part = error.part ?? part
        case let error as ByteError:
            switch error.kind {
            case .system, .remote: self.init(.inaccessible, error.description, path: path, part: part)
            default:
                self.init(.damaged, error.description, path: path, part: part)
                bytes = error
            }
        case let error as JSONError:
            self.init(.damaged, error.description, path: path, part: part)
        case let error as TensorError:
            self.init(.damaged, error.description, path: path, part: part)
        default:
            self.init(.damaged, "\(error)", path: path, part: part)
        }
    }
}

extension CheckpointError {
    /// Whether the file is on a web server.
    package var isRemote: Bool { path.flatMap(WebAddress.init) != nil }
}

extension CheckpointError: CustomStringConvertible {
    /// One line: file, part, what is wrong, where.
    public var description: String {
        var text = ""
        if let path { text += path + ": " }
        if let part { text += Self.line(part, atMost: 240) + ": " }
        text += Self.line(detail)
        if let offset { text += " (at byte \(offset))" }
        if let truncation {
            text += isRemote ? ". The file is cut on the server: " : ". Download the file again: "
            text += Self.line(truncation.description)
        }
        return text
    }

    /// Names and texts of a stranger's file on one line, cut where they are longer than any that is meant to be read.
    private static func line(_ text: String, atMost limit: Int = 2000) -> String {
        let start = text.unicodeScalars.prefix(limit)
        let line = start.reduce(into: "") { line, scalar in
            line += scalar.value < 0x20 ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }
        return start.endIndex < text.endIndex ? line + "…" : line
    }
}
