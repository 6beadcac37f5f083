/// How a reshape regroups axes, in the notation of einops: `D (C P P) -> D C P P`.
///
/// Words are lengths, numbers are themselves, parentheses are one axis that several lengths make up. Both sides
/// name the same lengths in the same order, so that the pattern read backwards is the inverse. A length that
/// only occurs in groups is worked out from their size: `P` above is √(n/C).
package struct AxisPattern: Sendable, Hashable {
    enum Length: Sendable, Hashable {
        case fixed(Int)
        case named(String)
    }

    /// The pattern as it was written.
    package let text: String
    let left: [[Length]]
    let right: [[Length]]

    /// - Throws: `MappingError.invalidRule` when there is no arrow, or the sides name different lengths.
    package init(parsing text: String) throws(MappingError) {
        let sides = text.split(separator: ">", omittingEmptySubsequences: false)
        guard sides.count == 2, sides[0].hasSuffix("-") else {
            throw .invalidRule("'\(text)' is no reshape: expected 'axes -> axes'")
        }
        left = try Self.axes(sides[0].dropLast(), in: text)
        right = try Self.axes(sides[1], in: text)
        self.text = text
        let flat = [left, right].map { $0.flatMap { $0 }.filter { $0 != .fixed(1) } }
        guard flat[0] == flat[1] else {
            throw .invalidRule("'\(text)' does not name the same lengths in the same order on both sides")
        }
    }

    private init(text: String, left: [[Length]], right: [[Length]]) {
        self.text = text
        self.left = left
        self.right = right
    }

    /// The pattern read from right to left.
    package var inverse: AxisPattern {
        let sides = text.split(separator: ">", maxSplits: 1).map { String($0) }
        let forward = (sides.first ?? "").dropLast()
        let words = [sides.last ?? "", String(forward)].map {
            $0.split(separator: " ").joined(separator: " ")
        }
        return AxisPattern(text: words.joined(separator: " -> "), left: right, right: left)
    }

    private static func axes(_ side: Substring, in text: String) throws(MappingError) -> [[Length]] {
        var axes: [[Length]] = []
        var group: [Length]?
        let spaced = side.map { $0 == "(" || $0 == ")" ? " \($0) " : String($0) }.joined()
        for word in spaced.split(separator: " ") {
            switch (word, group) {
            case ("(", nil): group = []
            case (")", let lengths?):
                axes.append(lengths)
                group = nil
            case ("(", _), (")", _): throw .invalidRule("the parentheses of '\(text)' do not match")
            default:
                let number = Int(word)
                let isName = word.first?.isLetter == true && word.utf8.allSatisfy(NamingScheme.isWord)
                guard number.map({ $0 > 0 }) ?? isName else {
                    throw .invalidRule("'\(text)' holds the length \(word)")
                }
                let length = number.map(Length.fixed) ?? .named(String(word))
                if group?.append(length) == nil { axes.append([length]) }
            }
        }
        guard group == nil else { throw .invalidRule("the parentheses of '\(text)' do not match") }
        return axes
    }
}

extension AxisPattern: ExpressibleByStringLiteral {
    /// A pattern in a table of ours; a malformed one is a mistake in the program.
    package init(stringLiteral text: String) {
        do {
            self = try AxisPattern(parsing: text)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
