import Synchronization
import TensorCore

/// A file on a web server, of which the ranges that are read are fetched, each once, into a file without a name.
final class RemoteFile: FileSupply {
    private struct State {
        /// Where the last answer came from.
        var current: WebAddress
        var present: RangeSet<Int>
        var failure: ByteError?
        /// The last range that was fetched.
        var last: Range<Int>
    }

    private let source: RemoteSource
    private var size: Int { source.size }
    let mayFetchAll: Bool
    private let state: Mutex<State>

    /// Requests begin and end at multiples of it.
    private static let block = 4 << 10
    /// The most that is fetched ahead for who reads on and on.
    private static let mostAhead = 8 << 20
    /// What is rather fetched twice than left out between two ranges: of all of the file, and of small pieces.
    private static let little = 1 << 20
    private static let least = 8 << 10
    /// Servers take so many requests at a time from anybody.
    private static let mostConnections = 6

    /// - Parameters:
    ///   - address: what the user named.
    ///   - opening: what the first request brought.
    init(
        _ address: WebAddress, _ opening: RemoteOpening, access: RemoteAccess,
        patience: HTTPConnection.Patience
    ) {
        source = RemoteSource(
            address: address, size: opening.size, first: opening.head, patience: patience)
        mayFetchAll = access == .whole
        let start = 0..<opening.start.count
        state = Mutex(State(current: opening.address, present: RangeSet(start), last: start))
    }

    var failure: ByteError? { state.withLock { $0.failure } }

    var isComplete: Bool { state.withLock { Self.gap(in: 0..<size, of: $0.present) == nil } }

    func provide(_ range: Range<Int>, in descriptor: Int32) throws(ByteError) {
        let failure = state.withLock { state -> ByteError? in
            if let failure = state.failure { return failure }
            let isWhole = range.count == size
            do throws(RemoteFailure) {
                while let gap = Self.gap(in: range, of: state.present) {
                    let wanted = isWhole ? joined(gap, state) : extended(gap, state)
                    let task = Progress.begin(
                        isWhole ? "fetching \(source.name)" : "asking \(source.address.host)",
                        of: isWhole ? wanted.count : 0)
                    defer { task?.end() }
                    state.current = try source.fetch(wanted, from: state.current, into: descriptor, task)
                    state.present.insert(contentsOf: wanted)
                    state.last = wanted
                }
                return nil
            } catch {
                state.failure = ByteError(.remote(error.reason), offset: range.lowerBound)
                return state.failure
            }
        }
        if let failure { throw failure }
    }

    /// The first part of the range that is not there.
    private static func gap(in range: Range<Int>, of present: RangeSet<Int>) -> Range<Int>? {
        RangeSet(range).subtracting(present).ranges.first
    }

    /// Whole blocks; and for who reads on where the last fetch ended, twice as much as that.
    private func extended(_ gap: Range<Int>, _ state: State) -> Range<Int> {
        let range = extended(gap, aheadOf: state.last)
        let missing = RangeSet(range).subtracting(state.present).ranges
        return missing.first { $0.contains(gap.lowerBound) } ?? gap
    }

    private func extended(_ gap: Range<Int>, aheadOf last: Range<Int>?) -> Range<Int> {
        let start = gap.lowerBound / Self.block * Self.block
        var end = (gap.upperBound + Self.block - 1) / Self.block * Self.block
        if let last, gap.lowerBound == last.upperBound {
            end = max(end, gap.lowerBound + min(2 * last.count, Self.mostAhead))
        }
        return start..<min(end, size)
    }

    /// Gaps with little between them are one: a request takes longer than to get that little again.
    private func joined(_ gap: Range<Int>, _ state: State) -> Range<Int> {
        let gaps = RangeSet(gap.lowerBound..<size).subtracting(state.present).ranges
        return Self.joined(gaps, over: Self.little)[0]
    }

    private static func joined(_ ranges: some Sequence<Range<Int>>, over little: Int) -> [Range<Int>] {
        ranges.reduce(into: []) { joined, next in
            if let last = joined.last, next.lowerBound - last.upperBound <= little {
                joined[joined.count - 1] = last.lowerBound..<next.upperBound
            } else {
                joined.append(next)
            }
        }
    }

    func expect(_ ranges: [Range<Int>], in descriptor: Int32) {
        state.withLock { state in
            guard state.failure == nil else { return }
            var missing = RangeSet<Int>()
            for range in ranges where !range.isEmpty {
                missing.insert(contentsOf: extended(range.clamped(to: 0..<size), aheadOf: nil))
            }
            missing.subtract(state.present)
            let wanted = Self.joined(missing.ranges, over: Self.least)
            do throws(RemoteFailure) {
                try source.fetch(wanted, from: state.current, into: descriptor, atOnce: Self.mostConnections)
                for range in wanted { state.present.insert(contentsOf: range) }
            } catch {
                state.failure = ByteError(.remote(error.reason), offset: wanted.first?.lowerBound ?? 0)
            }
        }
    }
}
