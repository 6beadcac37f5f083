import CSystem
import ViTToolkit

/// What a stream leads to, and what may be sent there beside plain text.
struct Terminal {
    static let output = Terminal(STDOUT_FILENO)
    static let error = Terminal(STDERR_FILENO)

    /// Whether a person watches, on something that can move its cursor.
    let isInteractive: Bool
    /// The columns of a line; nil where lines may be of any length.
    let width: Int?
    /// Whether colours are wanted; see no-color.org.
    let hasColour: Bool
    /// Whether the locale is one of UTF-8, so that blocks and lines can be drawn.
    static let hasBlocks: Bool = {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = environment(name) else { continue }
            let text = value.lowercased()
            return text.contains("utf-8") || text.contains("utf8")
        }
        return false
    }()

    private init(_ descriptor: Int32) {
        let isTerminal = isatty(descriptor) != 0
        isInteractive = isTerminal && Self.environment("TERM") != "dumb"
        hasColour = isInteractive && Self.environment("NO_COLOR") == nil
        let asked = Self.environment("COLUMNS").flatMap { Int($0) } ?? 0
        let told = Int(system_terminal_width(descriptor))
        width = isTerminal ? max(20, asked > 0 ? asked : told > 0 ? told : 80) : nil
    }

    /// A variable that is set and not empty.
    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
