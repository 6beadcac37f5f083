import ViTToolkit

/// Quantities as a person reads them.
enum Text {
    /// `412.7 MB`; decimal units, as disks and download pages count.
    static func bytes(_ count: Int) -> String {
        Quantity.bytes(count)
    }

    /// Four significant digits.
    static func short(_ value: Double) -> String {
        Quantity.short(value)
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// A share of a whole, 0…1, as a bar of at most that many cells.
    static func bar(_ share: Double, of cells: Int) -> String {
        let eighths = Int((max(0, min(1, share)) * Double(cells) * 8).rounded())
        guard Terminal.hasBlocks else { return String(repeating: "#", count: (eighths + 4) / 8) }
        return String(repeating: "█", count: eighths / 8)
            + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// The text without its middle, where it is too long.
    static func shortened(_ text: String, to width: Int) -> String {
        guard text.count > width, width > 1 else { return text }
        let mark = Terminal.hasBlocks ? "…" : "~"
        let tail = (width - 1) / 2
        return text.prefix(width - 1 - tail) + mark + text.suffix(tail)
    }

    /// Rows in columns, each as wide as its widest entry; the last one ragged.
    ///
    /// - Parameter width: the columns of the terminal, if it goes to one: what is too long in front is then shortened,
    ///   and what ends a line goes on below itself.
    static func table(_ rows: [[String]], width: Int? = Terminal.output.width) -> String {
        guard let columns = rows.map(\.count).max() else { return "" }
        var widths = (0..<columns).map { column in
            min(72, rows.map { column < $0.count ? length(of: $0[column]) : 0 }.max() ?? 0)
        }
        if let width { fit(&widths, to: width) }
        return rows.map { row -> String in
            var line = ""
            for (column, text) in row.enumerated() {
                guard column < row.count - 1 else {
                    line += width.map { wrapped(text, from: line.count, to: $0) } ?? text
                    break
                }
                let cell = width == nil ? text : shortened(text, to: widths[column])
                line += cell + String(repeating: " ", count: max(0, widths[column] - length(of: cell)) + 2)
            }
            return line
        }.joined(separator: "\n")
    }

    /// How many characters a text has: of plain ASCII, which nearly all is, as many as bytes.
    private static func length(of text: String) -> Int {
        let bytes = text.utf8
        return bytes.allSatisfy { $0 < 0x80 && $0 != 0x0D } ? bytes.count : text.count
    }

    /// Takes from the widest columns until the last has room; numbers and short words are left whole.
    private static func fit(_ widths: inout [Int], to width: Int) {
        let last = widths.count - 1
        let room = min(widths[last], max(16, width / 3))
        func excess() -> Int { widths[..<last].reduce(0) { $0 + $1 + 2 } + room - width }
        while excess() > 0, let widest = widths[..<last].indices.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > 16
        {
            widths[widest] -= 1
        }
    }

    /// Lines of prose, in the terminal's width if it goes to one.
    static func prose(_ text: String, width: Int? = Terminal.output.width) -> String {
        guard let width else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { wrapped(String($0), from: 0, to: width) }.joined(separator: "\n")
    }

    /// A text that begins at a column, in lines that end before another.
    private static func wrapped(_ text: String, from start: Int, to width: Int) -> String {
        let room = width - start
        guard text.count > room, room >= 12 else { return text }
        var lines: [Substring] = []
        var rest = text[...]
        while rest.count > room {
            let limit = rest.index(rest.startIndex, offsetBy: room)
            let space = rest[..<limit].lastIndex(of: " ")
            lines.append(rest[..<(space ?? limit)])
            rest = rest[(space.map { rest.index(after: $0) } ?? limit)...]
        }
        return (lines + [rest]).joined(separator: "\n" + String(repeating: " ", count: start))
    }
}
