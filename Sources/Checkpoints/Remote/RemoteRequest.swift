import TensorCore

/// A request of an address, from redirect to redirect.
struct RemoteRequest {
    let patience: HTTPConnection.Patience
    var range: Range<Int>?
    /// The tag that the file must still have.
    var condition: String?

    static let mostRedirects = 10
    private static let longestRedirect = 1 << 20

    /// - Parameters:
    ///   - head: looks at the head of the answer before the first byte of its body.
    ///   - body: takes the body, piece by piece.
    /// - Returns: the address that the answer came from.
    func get(
        _ address: WebAddress, head: (ResponseHead) throws -> Void,
        body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> WebAddress {
        var address = address
        for _ in 0...Self.mostRedirects {
            var leadsOn = false
            var skipped = 0
            let answer = try HTTPConnection.get(
                address, range: range, condition: condition, patience: patience,
                head: { response in
                    leadsOn = [301, 302, 303, 307, 308].contains(response.status)
                    if !leadsOn { try head(response) }
                },
                body: { piece in
                    guard leadsOn else { return try body(piece) }
                    skipped += piece.count
                    guard skipped <= Self.longestRedirect else {
                        throw RemoteFailure.refused("\(address.host) sends a redirect without end")
                    }
                })
            guard leadsOn else { return address }
            guard let target = answer.redirect else {
                throw RemoteFailure.refused(
                    "\(address.host) redirects (status \(answer.head.status)) to no address")
            }
            address = try address.redirected(to: target)
        }
        throw RemoteFailure.refused("more than \(Self.mostRedirects) redirects, the last to \(address.shown)")
    }
}

extension ResponseHead {
    /// Refuses what is no file's bytes.
    func provePlain(of address: WebAddress) throws(RemoteFailure) {
        if let encoding = self["content-encoding"], !["", "identity"].contains(encoding.lowercased()) {
            throw .refused(
                "\(address.host) sends it compressed (Content-Encoding: \(encoding)), which was not asked for"
            )
        }
        guard !isWebPage else {
            throw .withheld(
                "\(address.host) answers with a web page (a login, a preview or an error) and not with a file"
            )
        }
    }

    /// Proves that this is the answer to a request of a range.
    ///
    /// - Parameters:
    ///   - asked: the range; of a file that is shorter, as much as there is.
    ///   - known: the size of the file, where it is known.
    /// - Returns: the size of the file.
    @discardableResult
    func prove(
        _ asked: Range<Int>, ofFile known: Int?, at address: WebAddress
    ) throws(RemoteFailure) -> Int {
        try provePlain(of: address)
        if self["content-type"]?.lowercased().hasPrefix("multipart/") ?? false {
            throw .refused("\(address.host) answers with several ranges, where one was asked for")
        }
        guard let (range, total) = contentRange else {
            throw .refused(
                "\(address.host) does not say which range it sends, and of how large a file (Content-Range: "
                    + "\(self["content-range"] ?? "none"))")
        }
        if let known, total != known {
            throw .refused(
                "the file changed on the server while it was being read: it had \(known) bytes, and has \(total)"
            )
        }
        guard range == asked.lowerBound..<min(asked.upperBound, total) else {
            throw .refused(
                "\(address.host) was asked for bytes \(asked.lowerBound) to \(asked.upperBound - 1), and answers with "
                    + "\(range.lowerBound) to \(range.upperBound - 1)")
        }
        if let length, length != range.count {
            throw .refused(
                "\(address.host) contradicts itself: a range of \(range.count) bytes, in \(length) bytes")
        }
        return total
    }
}
