/// Writes JSON with keys in the order given: the same value gives the same bytes.
extension JSONValue {
    /// The value on one line, without spaces.
    package var compact: String {
        var text = ""
        write(to: &text, indent: nil, level: 0)
        return text
    }

    /// The value over several lines, arrays of plain values kept on one.
    package var pretty: String {
        var text = ""
        write(to: &text, indent: 2, level: 0)
        return text
    }

    /// The value as a person lays it out: whatever fits into `width` columns stands on one line.
    ///
    /// - Complexity: linear in the text, times the depth of nesting.
    package func fitted(to width: Int) -> String {
        var text = ""
        writeFitted(to: &text, width: width, level: 0, column: 0)
        return text
    }

    private func writeFitted(to text: inout String, width: Int, level: Int, column: Int) {
        let line = onOneLine
        let elements =
            members?.map { (Self.string($0.key).compact + ": ", $0.value) } ?? array?.map { ("", $0) } ?? []
        // The outermost value is opened even when it would fit; a comma may follow.
        let fits = level > 0 && column + line.unicodeScalars.count < width
        guard !fits, !elements.isEmpty else {
            text += line
            return
        }
        let indent = String(repeating: " ", count: 2 * (level + 1))
        text += members == nil ? "[" : "{"
        for (index, (key, value)) in elements.enumerated() {
            text += (index > 0 ? ",\n" : "\n") + indent + key
            let column = indent.utf8.count + key.unicodeScalars.count
            value.writeFitted(to: &text, width: width, level: level + 1, column: column)
        }
        text += "\n" + indent.dropLast(2) + (members == nil ? "]" : "}")
    }

    private var onOneLine: String {
        switch self {
        case .array(let values): "[" + values.map(\.onOneLine).joined(separator: ", ") + "]"
        case .object(let members):
            "{"
                + members.map { Self.string($0.key).compact + ": " + $0.value.onOneLine }
                .joined(separator: ", ") + "}"
        default: compact
        }
    }

    private func write(to text: inout String, indent: Int?, level: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value):
            // JSON has no word for what is no number.
            text += value.isFinite ? Self.text(of: value) : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let values):
            let isPlain = values.allSatisfy { $0.members == nil && $0.array == nil }
            let inner = isPlain ? nil : indent
            Self.write(
                values, "[", "]", to: &text, indent: inner, level: level,
                separator: indent == nil ? "," : ", "
            ) { value, text in value.write(to: &text, indent: inner, level: level + 1) }
        case .object(let members):
            Self.write(members, "{", "}", to: &text, indent: indent, level: level, separator: ",") {
                member, text in
                Self.write(member.key, to: &text)
                text += indent == nil ? ":" : ": "
                member.value.write(to: &text, indent: indent, level: level + 1)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], _ open: String, _ close: String, to text: inout String, indent: Int?,
        level: Int,
        separator: String, _ body: (Element, inout String) -> Void
    ) {
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += indent == nil ? separator : "," }
            if let indent { text += "\n" + String(repeating: " ", count: indent * (level + 1)) }
            body(element, &text)
        }
        if let indent, !elements.isEmpty { text += "\n" + String(repeating: " ", count: indent * level) }
        text += close
    }

    private static func text(of value: Double) -> String {
        // 1.0 is spelled as Python and others do; Swift's shortest form reads back exactly.
        value.description
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}":
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
