import CSystem
import Dispatch
import Synchronization
import ViTToolkit

/// The line on standard error that says how far a longer job is.
enum Meter {
    private struct State {
        var isShown = false
        var isOver = false
    }

    private static let state = Mutex(State())
    private static let queue = DispatchQueue(label: "progress")

    /// Shows what goes on from half a second after now.
    static func start() {
        Progress.watch()
        queue.asyncAfter(deadline: .now() + 0.5, execute: tick)
    }

    @Sendable private static func tick() {
        draw()
        guard !state.withLock({ $0.isOver }) else { return }
        queue.asyncAfter(deadline: .now() + 0.1, execute: tick)
    }

    /// Writes something else, in place of the line.
    static func aside(_ body: () -> Void) {
        state.withLock { state in
            clear(&state)
            body()
        }
    }

    /// Takes the line away for good.
    static func stop() {
        state.withLock { state in
            clear(&state)
            state.isOver = true
        }
    }

    private static func clear(_ state: inout State) {
        guard state.isShown else { return }
        send("\r\u{1B}[K")
        state.isShown = false
        system_line_shown(0)
    }

    private static func draw() {
        guard let task = Progress.current else { return aside {} }
        let elapsed = (ContinuousClock.now - task.start) / .seconds(1)
        let text = line(
            task.name, done: task.done, of: task.total, unit: task.unit, seconds: elapsed,
            width: (Terminal.error.width ?? 80) - 1)
        state.withLock { state in
            guard !state.isOver else { return }
            system_line_shown(1)
            state.isShown = true
            send("\r\(Standard.harmless(text))\u{1B}[K")
        }
    }

    private static func send(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// `writing out.swt  ███████▌    62 %  255.9 MB of 412.7 MB  1.1 GB/s  0:01 left`, as much of it as fits.
    static func line(
        _ name: String, done: Int, of total: Int, unit: ProgressTask.Unit, seconds: Double, width: Int
    ) -> String {
        func amount(_ count: Int) -> String {
            switch unit {
            case .bytes: Text.bytes(count)
            case .pieces: "\(count)"
            }
        }
        let rate = seconds > 0 ? Double(done) / seconds : 0
        var parts: [String] = []
        if total > 0 {
            let share = min(1, Double(done) / Double(total))
            parts.append(
                Text.left(Text.bar(share, of: 12), 12) + " " + Text.right("\(Int(share * 100)) %", 5))
            var text = "\(amount(done)) of \(amount(total))"
            if case .pieces(let word) = unit { text += " \(word)" }
            parts.append(text)
        } else if done > 0 {
            parts.append(amount(done))
        }
        if case .bytes = unit, done > 0 { parts.append(Text.bytes(Int(rate)) + "/s") }
        if total > done, rate > 0 {
            parts.append(time(Double(total - done) / rate) + " left")
        } else {
            parts.append(time(seconds))
        }
        let rest = parts.joined(separator: "  ")
        return Text.shortened(
            Text.shortened(name, to: max(12, width - rest.count - 2)) + "  " + rest, to: width)
    }

    /// `1:05`, `2:00:00`.
    private static func time(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 359_999))
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":\(two(whole % 60))"
    }
}
