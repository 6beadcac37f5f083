/// The status and the fields of an answer (RFC 9110).
struct ResponseHead {
    private(set) var status = 0
    private var fields: [String: String] = [:]

    /// The names of what is heeded; others are not kept.
    private static let heeded: Set<String> = [
        "content-encoding", "content-length", "content-range", "content-type", "etag", "last-modified",
    ]

    /// Takes the next line; a status line begins a new head, as that of a proxy or of 100 Continue stands before.
    mutating func add(_ line: some StringProtocol) {
        if line.hasPrefix("HTTP/") {
            self = ResponseHead()
            let words = line.split(separator: " ", maxSplits: 2)
            status = words.count > 1 ? Int(words[1].prefix { $0.isNumber }) ?? 0 : 0
            return
        }
        guard let colon = line.firstIndex(of: ":") else { return }
        let name = line[..<colon].lowercased()
        guard Self.heeded.contains(name) else { return }
        let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        fields[name] = String(value.reversed().drop { $0.isWhitespace }.reversed())
    }

    subscript(name: String) -> String? { fields[name] }

    var length: Int? { fields["content-length"].flatMap { Self.number($0[...]) } }

    var isWebPage: Bool { fields["content-type"]?.lowercased().hasPrefix("text/html") ?? false }

    /// What is told as sent where the file changes; weak ones do not stand for bytes.
    var strongTag: String? {
        fields["etag"].flatMap { $0.hasPrefix("\"") && $0.hasSuffix("\"") && $0.utf8.count > 2 ? $0 : nil }
    }

    /// Whether both can be of the same bytes.
    func canBe(of other: ResponseHead) -> Bool {
        let name = fields["etag"] != nil && other.fields["etag"] != nil ? "etag" : "last-modified"
        guard let value = fields[name], let first = other.fields[name] else { return true }
        return value == first
    }

    /// `bytes 0-1023/4096`; nil for anything else, for one without the total as well.
    var contentRange: (range: Range<Int>, total: Int)? {
        guard let text = fields["content-range"], text.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst("bytes ".count).split(
            separator: "/", omittingEmptySubsequences: false)
        let ends = parts.first?.split(separator: "-", omittingEmptySubsequences: false) ?? []
        guard parts.count == 2, ends.count == 2, let first = Self.number(ends[0]),
            let last = Self.number(ends[1]), let total = Self.number(parts[1]), first <= last, last < total
        else { return nil }
        return (first..<last + 1, total)
    }

    /// The total of `bytes */4096`, as a server has it that was asked for what lies behind the end.
    var totalAlone: Int? {
        guard let text = fields["content-range"], text.hasPrefix("bytes */") else { return nil }
        return Self.number(text.dropFirst("bytes */".count))
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
