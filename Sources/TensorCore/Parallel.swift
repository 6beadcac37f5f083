import Synchronization

/// Spreads independent pieces of work over the cores.
///
/// How work is cut never depends on the number of threads, so results are the same for any.
package enum Parallel {
    private static let limit = Atomic<Int>(0)

    /// How many threads work at once: the processors at hand unless set; at least 1.
    package static var threadCount: Int {
        get {
            let set = limit.load(ordering: .relaxed)
            return set > 0 ? set : processorCount
        }
        set { limit.store(max(0, newValue), ordering: .relaxed) }
    }

    /// The processors at hand; at least 1.
    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Calls `body` once for each number in `0..<count`, on several threads, and returns when all are done.
    package static func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
        let threads = min(threadCount, count)
        guard threads > 1 else {
            for index in 0..<max(0, count) { body(index) }
            return
        }
        let next = Atomic<Int>(0)
        @Sendable func takePieces() {
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                body(index)
            }
        }
        // Within a piece of such work, and while another thread spreads its own, the caller does all of it.
        if !ThreadPool.shared.run(helpers: threads - 1, takePieces) { takePieces() }
    }
}
