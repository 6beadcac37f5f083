/// The names of many tensors written as one: `blocks.{i}.attn.qkv.weight`.
///
/// | In the template | Stands for |
/// |---|---|
/// | `{i}` | a number without leading zeros; a placeholder that occurs twice stands for the same number |
/// | `{_i}` | a number as Keras counts: nothing for 0, `_1` for 1 and so on |
/// | `{*}` | any text of at least one character; such a template cannot be filled |
///
/// Containers join the words of a name in their own ways, with dots or with slashes: to a match they are the same.
/// Matching is a walk over the bytes of a name; most names leave at the first or last byte.
package struct NameTemplate: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text([UInt8])
        case number(Int)
        case suffixNumber(Int)
        case anything
    }

    /// The template as it was written.
    package let pattern: String
    /// The names of the placeholders, each once, in the order in which they first occur.
    package let placeholders: [String]
    let pieces: [Piece]
    /// The same pieces with dots for slashes, as ``match(_:)`` compares them.
    let foldedPieces: [Piece]

    /// - Throws: `MappingError.invalidRule` for an unclosed, stray or empty brace.
    package init(parsing pattern: String) throws(MappingError) {
        var pieces: [Piece] = []
        var placeholders: [String] = []
        var rest = pattern.utf8[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "{")) {
            if open > rest.startIndex { pieces.append(.text([UInt8](rest[..<open]))) }
            guard let close = rest[open...].firstIndex(of: UInt8(ascii: "}")) else {
                throw .invalidRule("'\(pattern)' opens a brace that it never closes")
            }
            let inner = String(Substring(rest[rest.index(after: open)..<close]))
            rest = rest[rest.index(after: close)...]
            if inner == "*" {
                pieces.append(.anything)
                continue
            }
            let isSuffix = inner.hasPrefix("_")
            let name = isSuffix ? String(inner.dropFirst()) : inner
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "{")) else {
                throw .invalidRule("'\(pattern)' holds a placeholder without a proper name")
            }
            let place = placeholders.firstIndex(of: name) ?? placeholders.count
            if place == placeholders.count { placeholders.append(name) }
            pieces.append(isSuffix ? .suffixNumber(place) : .number(place))
        }
        guard !rest.contains(UInt8(ascii: "}")) else {
            throw .invalidRule("'\(pattern)' closes a brace that it never opens")
        }
        if !rest.isEmpty { pieces.append(.text([UInt8](rest))) }
        self.pattern = pattern
        self.placeholders = placeholders
        self.pieces = pieces
        foldedPieces = pieces.map { piece in
            guard case .text(let text) = piece else { return piece }
            return .text(Self.fold(text))
        }
    }

    /// A name with dots for slashes: the form in which names are compared.
    static func fold(_ name: some Sequence<UInt8>) -> [UInt8] {
        // Copied whole first: byte by byte through a string's view took a twentieth of `inspect`.
        var folded = [UInt8](name)
        for index in folded.indices where folded[index] == UInt8(ascii: "/") {
            folded[index] = UInt8(ascii: ".")
        }
        return folded
    }

    /// The name with its placeholders replaced, or nil when an index is missing or the template holds `{*}`.
    package func fill(_ indices: [String: Int]) -> String? {
        var name: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .text(let text): name += text
            case .number(let place):
                guard let index = indices[placeholders[place]] else { return nil }
                name += String(index).utf8
            case .suffixNumber(let place):
                guard let index = indices[placeholders[place]] else { return nil }
                if index > 0 { name += "_\(index)".utf8 }
            case .anything: return nil
            }
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// The indices with which the template gives `name`, or nil when it cannot.
    package func match(_ name: String) -> [String: Int]? {
        match(Self.fold(name.utf8))
    }
}

extension NameTemplate: ExpressibleByStringLiteral {
    /// A template in a table of ours; a malformed one is a mistake in the program.
    package init(stringLiteral pattern: String) {
        do {
            self = try NameTemplate(parsing: pattern)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}

extension NameTemplate: CustomStringConvertible {
    package var description: String { pattern }
}
