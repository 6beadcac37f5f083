/// Colours for the words that a reader looks for: verdicts, remarks, errors, bars. Texts themselves bear none, so that
/// they can be measured and cut.
enum Paint {
    private enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    /// What a line begins with, and its colour.
    private static let starts: [(text: String, colour: Colour)] = [
        ("vit-convert:", .red), ("remark:", .yellow), ("remark ", .yellow), ("parity holds", .green),
        ("parity FAILS", .red), ("  ok  ", .green), ("  FAIL", .red), ("DIFFERENT", .red), ("equal:", .green),
        ("security  DANGEROUS", .red), ("  dangerous", .red), ("  foreign", .yellow), ("wrote", .green),
    ]
    private static let bar: Set<Character> = ["█", "▉", "▊", "▋", "▌", "▍", "▎", "▏"]

    static func paint(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(line).joined(separator: "\n")
    }

    private static func line(_ line: Substring) -> String {
        if let start = starts.first(where: { line.hasPrefix($0.text) }) {
            return coloured(start.text, start.colour) + line.dropFirst(start.text.count)
        }
        guard let first = line.firstIndex(where: bar.contains) else { return String(line) }
        let end = line[first...].firstIndex { !bar.contains($0) } ?? line.endIndex
        return line[..<first] + coloured(String(line[first..<end]), .cyan) + line[end...]
    }

    private static func coloured(_ text: String, _ colour: Colour) -> String {
        "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }
}
