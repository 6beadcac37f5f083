/// A value of a pickle as the security scan sees it: words for it, and just as much of it as tells what a call means.
struct PickleSymbol: Sendable {
    enum Kind: Sendable {
        /// The whole of a text, for names.
        case text(String)
        /// A row of the scan's table of globals.
        case global(Int)
        /// A tuple of few elements, of which none is a tuple.
        case tuple([PickleSymbol])
        /// What a call makes, by the name of what was called.
        case object(String)
        case integer(Int)
        case real(Double)
        case opaque
    }

    /// The words for it, where they do not follow from its kind.
    private var words: String
    var kind: Kind
    /// What calling it means.
    var verdict: SecurityVerdict
    /// The worst that it holds without having called it, which whoever takes it may call.
    var held: SecurityVerdict

    static let longest = 160
    private static let mostElements = 8

    init(
        _ text: String = "", _ kind: Kind = .opaque, verdict: SecurityVerdict = .foreign,
        held: SecurityVerdict = .known
    ) {
        words = text
        self.kind = kind
        self.verdict = verdict
        self.held = held
    }

    /// What stands where the pickle took something from an empty stack or memo.
    static let unknown = PickleSymbol("?")

    /// Text of a literal; `isWhole` when all of it is there.
    init(literal: String, isWhole: Bool) {
        self.init(isWhole ? "" : Self.quoted(literal, isWhole: false), isWhole ? .text(literal) : .opaque)
    }

    init(tuple values: [PickleSymbol]) {
        let held = values.map(\.held).max() ?? .known
        guard values.count <= Self.mostElements else {
            self.init(Self.joined(values, "(", ")"), .opaque, held: held)
            return
        }
        let flat = values.map { value in
            // A tuple is kept one level deep, so that what is nested without end costs nothing.
            guard case .tuple = value.kind else { return value }
            return PickleSymbol(value.text, held: value.held)
        }
        self.init("", .tuple(flat), held: held)
    }

    /// As Python would write it, cut short and escaped.
    var text: String {
        get {
            guard words.isEmpty else { return words }
            switch kind {
            case .text(let text): return Self.quoted(text, isWhole: true)
            case .integer(let value): return String(value)
            case .real(let value): return String(value)
            case .tuple(let values): return Self.joined(values, "(", values.count == 1 ? ",)" : ")")
            case .global, .object, .opaque: return ""
            }
        }
        set { words = newValue }
    }

    /// Whether a name or a call may come of it, so that it is worth keeping in the memo.
    var isWorthKeeping: Bool {
        switch kind {
        case .text, .global, .tuple, .object: true
        case .integer, .real, .opaque: held > .known || verdict == .dangerous
        }
    }

    private static func quoted(_ text: String, isWhole: Bool) -> String {
        EscapedText.quoted(text.unicodeScalars[...], longest: 80, isWhole: isWhole)
    }

    static func joined(_ values: [PickleSymbol], _ opening: String, _ closing: String) -> String {
        var text = opening
        for (index, value) in values.enumerated() {
            if index > 0 { text += ", " }
            guard text.utf8.count < longest else { return text + "…" + closing }
            text += value.text
        }
        return cut(text + closing, closing: closing)
    }

    /// What is longer than a symbol's words may be, cut with its end kept.
    static func cut(_ text: String, closing: String) -> String {
        guard text.utf8.count > 2 * longest else { return text }
        return String(text.unicodeScalars.prefix(longest)) + "…" + closing
    }

    /// Takes elements or items in, as APPENDS and SETITEMS do.
    mutating func absorb(_ values: [PickleSymbol], isItems: Bool) {
        held = max(held, values.map(\.held).max() ?? .known)
        guard words.utf8.count < Self.longest, let closing = words.last, closing == "]" || closing == "}"
        else {
            return
        }
        words.removeLast()
        for (index, value) in values.enumerated() {
            if isItems && !index.isMultiple(of: 2) {
                words += ": "
            } else if words.utf8.count > 1 {
                words += ", "
            }
            words += words.utf8.count < Self.longest ? value.text : "…"
            guard words.utf8.count < Self.longest else { break }
        }
        words = Self.cut(words, closing: "")
        words.append(closing)
    }

    /// The arguments of a call as they stand between parentheses.
    var arguments: String {
        let text = text
        guard text.hasPrefix("("), text.hasSuffix(")") else { return "(*" + text + ")" }
        return text.hasSuffix(",)") ? text.dropLast(2) + ")" : text
    }
}
