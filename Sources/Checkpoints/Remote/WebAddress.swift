/// The address of a file on the web.
package struct WebAddress: Sendable, Equatable {
    /// As it is asked for.
    let text: String
    private let scheme: Substring
    private let authority: Substring
    private let path: Substring

    /// - Returns: nil for what begins neither with `https://` nor with `http://`, and thus is the path of a file here.
    package init?(_ text: String) {
        guard let separator = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            ["http", "https"].contains(text[..<separator].lowercased()),
            text[separator...].hasPrefix("://")
        else { return nil }
        let rest = text[text.index(separator, offsetBy: 3)...].prefix { $0 != "#" }
        self.text = String(text[..<rest.endIndex])
        scheme = self.text[..<separator]
        let name = self.text[rest.startIndex...]
        authority = name.prefix { $0 != "/" && $0 != "?" }
        path = name[authority.endIndex...].prefix { $0 != "?" }
    }

    /// The scheme of another kind of address: `ftp`, `s3`.
    static func foreignScheme(_ text: String) -> Substring? {
        guard WebAddress(text) == nil, let scheme = text.split(separator: ":", maxSplits: 1).first,
            text[scheme.endIndex...].hasPrefix("://"), scheme.allSatisfy({ $0.isLetter || $0.isNumber })
        else { return nil }
        return scheme
    }

    var isSecure: Bool { scheme.lowercased() == "https" }

    /// The server's name, without a user's.
    var host: String { String(authority.split(separator: "@", omittingEmptySubsequences: false).last ?? "") }

    /// The address without what may be a secret: a user's name and password, and the query.
    package var shown: String { "\(scheme)://\(host)\(path)" }

    /// A file in the folder of another, here or on the web.
    ///
    /// - Parameter name: without slashes.
    package static func path(of name: String, beside path: String) -> String {
        guard let address = WebAddress(path) else {
            return (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + name
        }
        let folder = address.path.lastIndex(of: "/").map { address.path[...$0] } ?? "/"
        return "\(address.scheme)://\(address.authority)\(folder)\(encoded(name))"
    }

    /// What a user called a file, fit to be shown.
    package static func shown(_ word: String) -> String { WebAddress(word)?.shown ?? word }

    /// The last part of a path, or of an address without its percent signs.
    package static func fileName(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        return WebAddress(path) == nil ? name : decoded(name) ?? name
    }

    private static func encoded(_ name: String) -> String {
        name.utf8.reduce(into: "") { text, byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._~".utf8.contains(byte)
            text +=
                isPlain
                ? String(UnicodeScalar(byte))
                : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }

    private static func decoded(_ name: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), value >= 0x20
            else { return nil }
            bytes.append(value)
            rest.removeFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension WebAddress {
    /// Where a redirect leads.
    ///
    /// - Parameter target: the whole address.
    /// - Throws: for one that leads out of the web, or from an address that nobody can overhear to one that anybody can.
    func redirected(to target: String) throws(RemoteFailure) -> WebAddress {
        guard let next = WebAddress(target) else {
            let scheme = target.prefix { $0 != ":" }.prefix(20)
            throw .refused("it redirects to \(scheme): and not to https: or http:, which is not followed")
        }
        if isSecure, !next.isSecure {
            throw .refused("it redirects from https to \(next.shown), which is not followed")
        }
        return next
    }
}
