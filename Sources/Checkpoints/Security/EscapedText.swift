/// Text from a stranger, made fit for a terminal.
package enum EscapedText {
    /// Whether a terminal, or the eye, would take the character for something else than itself: controls, marks
    /// that turn the direction of writing, what has no width, separators of lines.
    static func isTreacherous(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            true
        default: false
        }
    }

    /// The scalar as Python's `repr` escapes it.
    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default:
            let digits = String(scalar.value, radix: 16)
            let (mark, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
            return "\\" + mark + String(repeating: "0", count: width - digits.count) + digits
        }
    }

    /// The text with everything escaped that is no visible character or space.
    package static func plain(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isTreacherous(scalar) {
                result += escape(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A literal in double quotes, at most about `longest` characters of it.
    static func quoted(_ text: Substring.UnicodeScalarView, longest: Int, isWhole: Bool) -> String {
        var result = "\""
        var count = 0
        for scalar in text {
            guard count < longest else { return result + "…\"" }
            count += 1
            if scalar == "\"" || scalar == "\\" {
                result += "\\"
                result.unicodeScalars.append(scalar)
            } else if isTreacherous(scalar) {
                result += escape(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result + (isWhole ? "\"" : "…\"")
    }
}
