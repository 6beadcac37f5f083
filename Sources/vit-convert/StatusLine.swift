import ViTToolkit

/// One line on a terminal's standard error that says what is being done, written over and taken away at the end.
///
/// Nowhere else is anything written, and nothing about what is done within half a second.
final class StatusLine {
    private let isOnTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var isShown = false

    func show(_ text: String) {
        guard isOnTerminal, ContinuousClock.now - start > .milliseconds(500) else { return }
        var size = winsize()
        let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1
        Self.write("\r\u{1B}[K" + text.prefix(isKnown ? Int(size.ws_col) - 1 : 79))
        isShown = true
    }

    func clear() {
        guard isShown else { return }
        Self.write("\r\u{1B}[K")
        isShown = false
    }

    /// Past the filter of ``Standard``, which keeps commands to the terminal from getting there.
    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        // What cannot be shown is not missed.
        _ = bytes.withUnsafeBytes { platformWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

private let platformWrite = write
