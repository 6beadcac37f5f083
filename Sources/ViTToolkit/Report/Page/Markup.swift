/// A piece of a page that is both HTML and well-formed XML.
///
/// What is interpolated into a literal is text and is escaped, but for other markup: a name out of a stranger's file
/// cannot become a part of the page.
struct Markup: Sendable, Equatable {
    private(set) var source: String

    /// A text as it is to be read.
    init(text: String) { source = Self.escaped(text) }

    /// Several pieces, one behind another.
    init(_ pieces: [Markup], separator: Markup = "") {
        source = pieces.map(\.source).joined(separator: separator.source)
    }

    /// What the page itself is made of: styles and scripts, which hold no texts of others.
    init(trusted source: String) { self.source = source }

    static func + (left: Markup, right: Markup) -> Markup { Markup(trusted: left.source + right.source) }

    /// Characters that HTML or XML takes for its own become references; those that cannot be seen, or that turn what is
    /// around them, are spelled out.
    private static func escaped(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte >= 0x20 && byte < 0x7F && ![0x22, 0x26, 0x27, 0x3C, 0x3E].contains(byte)
        }
        guard !isPlain else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default:
                if isVisible(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                }
            }
        }
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            false
        default: true
        }
    }
}

extension Markup: ExpressibleByStringInterpolation {
    init(stringLiteral value: String) { source = value }

    init(stringInterpolation: Interpolation) { source = stringInterpolation.source }

    struct Interpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity) }

        mutating func appendLiteral(_ literal: String) { source += literal }

        mutating func appendInterpolation(_ text: String) { source += Markup(text: text).source }

        mutating func appendInterpolation(_ number: Int) { source += String(number) }

        mutating func appendInterpolation(_ markup: Markup) { source += markup.source }
    }
}
