import Dispatch
import Synchronization
import TensorCore
import Testing

/// Work spread over the threads that the process keeps.
@Suite struct ParallelTests {
    /// How often each piece was done.
    static func counts(_ count: Int, _ body: @Sendable (Int) -> Void = { _ in }) -> [Int] {
        let counts = Mutex([Int](repeating: 0, count: count))
        Parallel.forEach(count) { index in
            body(index)
            counts.withLock { $0[index] += 1 }
        }
        return counts.withLock { $0 }
    }

    @Test(arguments: [0, 1, 2, 3, 7, 1000]) func everyPieceIsDoneOnce(_ count: Int) {
        #expect(Self.counts(count) == [Int](repeating: 1, count: count))
    }

    /// A job that is left before its helpers have come must not be entered by them later.
    @Test func manyShortJobsOneAfterAnother() {
        let total = Atomic<Int>(0)
        for _ in 0..<5000 { Parallel.forEach(3) { total.wrappingAdd($0 + 1, ordering: .relaxed) } }
        #expect(total.load(ordering: .relaxed) == 5000 * 6)
    }

    @Test func piecesMaySpreadWorkThemselves() {
        let inner = Atomic<Int>(0)
        let outer = Self.counts(20) { _ in
            Parallel.forEach(10) { _ in inner.wrappingAdd(1, ordering: .relaxed) }
        }
        #expect(outer == [Int](repeating: 1, count: 20))
        #expect(inner.load(ordering: .relaxed) == 200)
    }

    @Test func severalThreadsSpreadWorkAtOnce() {
        let wrong = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 6) { _ in
            for round in 0..<200 where Self.counts(round % 9) != [Int](repeating: 1, count: round % 9) {
                wrong.wrappingAdd(1, ordering: .relaxed)
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    /// The threads fall asleep after a while, and must wake up again.
    @Test func workAfterAPause() {
        for _ in 0..<3 {
            #expect(Self.counts(50) == [Int](repeating: 1, count: 50))
            usleep(20_000)
        }
    }
}
