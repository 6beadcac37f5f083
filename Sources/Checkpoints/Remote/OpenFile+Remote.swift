import TensorCore

/// How much of a file on a web server may be fetched.
public enum RemoteAccess: Sendable {
    /// Only the ranges that are read, which a server has to support.
    case ranges
    /// All of it, where the server sends nothing less or what reads the file takes nothing less.
    case whole
}

extension OpenFile {
    /// Opens a file here, or on a web server where the path begins with `https://` or `http://`.
    ///
    /// - Throws: `ByteError` with the reason.
    static func open(
        _ path: String, _ access: RemoteAccess, patience: HTTPConnection.Patience = .init()
    ) throws(ByteError) -> OpenFile {
        guard let address = WebAddress(path) else {
            if let scheme = WebAddress.foreignScheme(path), !isThere(path) {
                throw ByteError(
                    .remote("of addresses only https:// and http:// are read, not \(scheme)://"), offset: 0)
            }
            return try OpenFile(path: path)
        }
        do throws(RemoteFailure) {
            return try remote(address, access, patience)
        } catch {
            throw ByteError(.remote(error.reason), offset: 0)
        }
    }

    /// Opens a file as the others; nil where none is there, or for nobody who asks for it without a login.
    package static func openIfThere(_ path: String) throws(ByteError) -> OpenFile? {
        guard let address = WebAddress(path) else {
            return isThere(path) ? try OpenFile(path: path) : nil
        }
        do throws(RemoteFailure) {
            return try remote(address, .whole, .init())
        } catch .withheld {
            return nil
        } catch {
            throw ByteError(.remote(error.reason), offset: 0)
        }
    }

    private static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func remote(
        _ address: WebAddress, _ access: RemoteAccess, _ patience: HTTPConnection.Patience
    ) throws(RemoteFailure) -> OpenFile {
        try RemoteFailure.of {
            do {
                let opening = try opening(address, patience)
                let descriptor = try RemoteFailure.keeping(SpooledFile.open)
                return try file(address, opening, access, patience, into: descriptor)
            } catch let unranged as RemoteOpening.Unranged {
                return try whole(address, length: unranged.length, access, patience)
            }
        }
    }

    /// The first answer, in as many tries as make sense.
    private static func opening(
        _ address: WebAddress, _ patience: HTTPConnection.Patience
    ) throws -> RemoteOpening {
        let task = Progress.begin("asking \(address.host)", of: 0)
        defer { task?.end() }
        for pause in patience.pauses {
            do {
                return try RemoteOpening(address, patience: patience)
            } catch let failure as RemoteFailure where failure.isWorthATry(hasBegun: false) {
                usleep(UInt32(pause * 1e6))
            }
        }
        return try RemoteOpening(address, patience: patience)
    }

    private static func file(
        _ address: WebAddress, _ opening: RemoteOpening, _ access: RemoteAccess,
        _ patience: HTTPConnection.Patience, into descriptor: Int32
    ) throws -> OpenFile {
        do {
            guard ftruncate(descriptor, off_t(opening.size)) == 0 else {
                throw RemoteFailure.refused(
                    "no room for its \(opening.size) bytes in the folder for temporary files (TMPDIR): "
                        + SystemMessage.text(for: errno))
            }
            try RemoteFailure.keeping {
                try opening.start.withUnsafeBytes { try SpooledFile.write($0, to: descriptor, at: 0) }
            }
        } catch {
            close(descriptor)
            throw error
        }
        return try OpenFile(
            filling: descriptor, path: address.shown,
            from: RemoteFile(address, opening, access: access, patience: patience))
    }

    /// A file on a server that sends no ranges, from its beginning to its end.
    private static func whole(
        _ address: WebAddress, length: Int?, _ access: RemoteAccess, _ patience: HTTPConnection.Patience
    ) throws -> OpenFile {
        guard access == .whole else {
            throw RemoteFailure.refused(
                "\(address.host) sends no ranges: it would take all "
                    + (length.map { "\($0) bytes" } ?? "of the file, however large it is")
                    + ". Download it, or read it as it comes: curl -L URL | vit-convert inspect -")
        }
        let descriptor = try RemoteFailure.keeping(SpooledFile.open)
        defer { close(descriptor) }
        let task = Progress.begin("fetching \(WebAddress.fileName(address.shown))", of: length ?? 0)
        defer { task?.end() }
        var count = 0
        do {
            var promised: Int?
            _ = try RemoteRequest(patience: patience).get(
                address,
                head: { head in
                    guard head.status == 200 else { throw RemoteFailure.status(head.status, of: address) }
                    try head.provePlain(of: address)
                    promised = head.length
                },
                body: { piece in
                    try RemoteFailure.keeping { try SpooledFile.write(piece, to: descriptor, at: count) }
                    count += piece.count
                    task?.advance(by: piece.count)
                })
            guard count == promised ?? count else {
                throw RemoteFailure.refused(
                    "\(address.host) sends \(count) bytes, where it says \(promised ?? 0)")
            }
        } catch RemoteFailure.interrupted(let reason) where count > 0 {
            throw RemoteFailure.refused(
                "\(reason); it sends no ranges, so that the rest cannot be asked for: download the file first"
            )
        }
        return try OpenFile(duplicating: descriptor, path: address.shown)
    }
}
