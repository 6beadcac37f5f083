import Synchronization

/// Work that may take a while, told to whoever watches; see ``Progress``.
package final class ProgressTask: Sendable {
    /// What work is counted in.
    package enum Unit: Sendable {
        case bytes
        /// A word in the plural.
        case pieces(String)
    }

    /// What is done, in words.
    package let name: String
    /// How much there is to do; 0 where nobody knows.
    package let total: Int
    package let unit: Unit
    package let start = ContinuousClock.now
    private let count = Atomic<Int>(0)

    fileprivate init(_ name: String, of total: Int, unit: Unit) {
        self.name = name
        self.total = total
        self.unit = unit
    }

    /// How much was done; from any thread.
    package var done: Int { count.load(ordering: .relaxed) }

    package func advance(by amount: Int) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// What was done is at least so much.
    package func reach(_ amount: Int) {
        count.max(amount, ordering: .relaxed)
    }

    /// The work is done, or given up.
    package func end() {
        Progress.remove(self)
    }
}

/// What the process is busy with. Nothing is kept, and no task made, unless somebody watches.
package enum Progress {
    private struct State {
        var isWatched = false
        var tasks: [ProgressTask] = []
        var listener: (@Sendable (String) -> Void)?
    }

    private static let state = Mutex(State())

    /// Has tasks made from now on.
    package static func watch() { state.withLock { $0.isWatched = true } }

    /// Tells of work that begins; whoever does it ends the task.
    package static func begin(
        _ name: @autoclosure () -> String, of total: Int, unit: ProgressTask.Unit = .bytes
    ) -> ProgressTask? {
        state.withLock { state in
            guard state.isWatched else { return nil }
            let task = ProgressTask(name(), of: total, unit: unit)
            state.tasks.append(task)
            return task
        }
    }

    /// The work that began last of all that is not done.
    package static var current: ProgressTask? { state.withLock { $0.tasks.last } }

    fileprivate static func remove(_ task: ProgressTask) {
        state.withLock { $0.tasks.removeAll { $0 === task } }
    }

    /// Has details told to `listener`, line by line.
    package static func listen(_ listener: @escaping @Sendable (String) -> Void) {
        state.withLock { $0.listener = listener }
    }

    /// Tells details, which are worked out only when somebody listens.
    package static func tell(_ lines: () -> [String]) {
        guard let listener = state.withLock({ $0.listener }) else { return }
        lines().forEach(listener)
    }
}
