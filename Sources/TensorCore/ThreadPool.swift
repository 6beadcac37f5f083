import Synchronization

/// Threads that wait for pieces of work, kept for the life of the process.
///
/// A forward pass comes to about a hundred short parallel steps, one right after another. A thread that slept
/// between two of them would wake up 50 µs late or more on a virtual machine, so a waiting thread looks for
/// work for a while before it sleeps, and leaves its core to anybody else who is ready to run.
final class ThreadPool: Sendable {
    static let shared = ThreadPool()

    /// How long a thread looks for work before it sleeps: longer than one piece of a matrix product takes.
    private static let patience: UInt64 = 2_000_000

    private struct State {
        var threadCount = 0
    }

    private let state = Mutex(State())
    private let isTaken = Atomic<Bool>(false)
    /// The number of the current job in the upper bits, the seats that are still free at it in the lower ones.
    private let door = Atomic<UInt64>(0)
    /// How many threads have left the current job.
    private let left = Atomic<Int>(0)
    /// Written while nobody has a seat, read by those who have taken one.
    private nonisolated(unsafe) var job: (@Sendable () -> Void)?
    private let work = Sleepers()
    private let end = Sleepers()

    private static let seatBits: UInt64 = 16

    /// Runs `body` on the calling thread and on up to `helpers` others at the same time; returns when all are done.
    ///
    /// A helper that does not come in time is not waited for: the caller may end up doing everything itself.
    ///
    /// - Returns: false, with nothing done, while the pool works for somebody else.
    func run(helpers: Int, _ body: @Sendable () -> Void) -> Bool {
        guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            return false
        }
        defer { isTaken.store(false, ordering: .releasing) }
        let seats = UInt64(grown(to: min(helpers, 1 << Self.seatBits - 1)))
        withoutActuallyEscaping(body) { body in
            job = body
            left.store(0, ordering: .relaxed)
            let number = (door.load(ordering: .relaxed) >> Self.seatBits + 1) << Self.seatBits
            door.store(number | seats, ordering: .sequentiallyConsistent)
            work.wake()
            body()
            // From here on nobody comes in any more.
            let free = door.exchange(number, ordering: .acquiringAndReleasing) - number
            let entered = Int(seats - free)
            end.wait(Self.patience) { left.load(ordering: .sequentiallyConsistent) == entered }
            job = nil
        }
        return true
    }

    /// Makes threads until there are `count`, or as many as the system gives.
    private func grown(to count: Int) -> Int {
        state.withLock { state in
            while state.threadCount < count, Self.start({ [self] in serve() }) { state.threadCount += 1 }
            return min(count, state.threadCount)
        }
    }

    private func serve() {
        while true {
            work.wait(Self.patience) { takeSeat() }
            perform()
            left.wrappingAdd(1, ordering: .sequentiallyConsistent)
            end.wake()
        }
    }

    /// A function of its own, so that nothing of the job is held after it.
    private func perform() { job?() }

    private func takeSeat() -> Bool {
        var seen = door.load(ordering: .sequentiallyConsistent)
        while seen & (1 << Self.seatBits - 1) > 0 {
            let (exchanged, original) = door.compareExchange(
                expected: seen, desired: seen - 1, ordering: .acquiringAndReleasing)
            if exchanged { return true }
            seen = original
        }
        return false
    }

    private static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let start = Unmanaged.passRetained(ThreadStart(body))
        #if canImport(Darwin)
            var thread: pthread_t?
            let result = pthread_create(&thread, nil, { ThreadStart.run($0) }, start.toOpaque())
        #else
            var thread = pthread_t()
            let result = pthread_create(
                &thread, nil, { $0.flatMap { ThreadStart.run($0) } }, start.toOpaque())
        #endif
        if result != 0 { start.release() }
        return result == 0
    }
}

private final class ThreadStart: Sendable {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    static func run(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().body()
        return nil
    }
}

/// Threads that wait until something is so: first awake, then asleep.
private final class Sleepers: Sendable {
    private let count = Atomic<Int>(0)
    private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private nonisolated(unsafe) let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Returns when `isSo` has said yes, once; it is asked again whenever somebody calls ``wake()``.
    func wait(_ patience: UInt64, until isSo: () -> Bool) {
        let start = Self.nanoseconds
        repeat {
            // Most often the answer comes within a microsecond.
            for _ in 0..<64 { if isSo() { return } }
            sched_yield()
        } while Self.nanoseconds - start < patience
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        // Who changes what `isSo` looks at then looks at the count, and we do it the other way round: one of the
        // two sees the other.
        count.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer { count.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
        while !isSo() { pthread_cond_wait(condition, mutex) }
    }

    func wake() {
        guard count.load(ordering: .sequentiallyConsistent) > 0 else { return }
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
