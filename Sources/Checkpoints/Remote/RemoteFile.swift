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

    private let address: WebAddress
    private let size: Int
    /// The head of the first answer, which the others must agree with.
    private let first: ResponseHead
    private let patience: HTTPConnection.Patience
    let mayFetchAll: Bool
    private let state: Mutex<State>

    /// Requests begin and end at multiples of it.
    private static let block = 4 << 10
    /// The most that is fetched ahead for who reads on and on.
    private static let mostAhead = 8 << 20
    private static let little = 1 << 20
    /// Interruptions count from anew after so many bytes.
    private static let progress = 64 << 10

    /// - Parameters:
    ///   - address: what the user named.
    ///   - opening: what the first request brought.
    init(
        _ address: WebAddress, _ opening: RemoteOpening, access: RemoteAccess,
        patience: HTTPConnection.Patience
    ) {
        self.address = address
        size = opening.size
        first = opening.head
        self.patience = patience
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
                    try fetch(wanted, into: descriptor, &state, isAll: isWhole)
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
        let start = gap.lowerBound / Self.block * Self.block
        var end = (gap.upperBound + Self.block - 1) / Self.block * Self.block
        if gap.lowerBound == state.last.upperBound {
            end = max(end, gap.lowerBound + min(2 * state.last.count, Self.mostAhead))
        }
        let range = start..<min(end, size)
        let missing = RangeSet(range).subtracting(state.present).ranges
        return missing.first { $0.contains(gap.lowerBound) } ?? gap
    }

    /// Gaps with little between them are one: a request takes longer than to get that little again.
    private func joined(_ gap: Range<Int>, _ state: State) -> Range<Int> {
        RangeSet(gap.lowerBound..<size).subtracting(state.present).ranges.reduce(gap) { joined, next in
            next.lowerBound - joined.upperBound <= Self.little
                ? joined.lowerBound..<max(joined.upperBound, next.upperBound) : joined
        }
    }

    /// Fetches a range, in as many tries as make sense.
    private func fetch(
        _ range: Range<Int>, into descriptor: Int32, _ state: inout State, isAll: Bool
    ) throws(RemoteFailure) {
        let task = Progress.begin(
            isAll ? "fetching \(WebAddress.fileName(address.shown))" : "asking \(address.host)",
            of: isAll ? range.count : 0)
        defer { task?.end() }
        var (start, tries, counted) = (range.lowerBound, 0, range.lowerBound)
        while start < range.upperBound {
            let begin = start
            do throws(RemoteFailure) {
                let current = state.current
                state.current = try ask(current, for: start..<range.upperBound) { piece in
                    try RemoteFailure.keeping { try SpooledFile.write(piece, to: descriptor, at: start) }
                    state.present.insert(contentsOf: start..<start + piece.count)
                    start += piece.count
                    task?.advance(by: piece.count)
                }
            } catch {
                if start - counted >= Self.progress { (tries, counted) = (0, start) }
                guard error.isWorthATry(hasBegun: start > begin), tries < patience.pauses.count
                else { throw error }
                state.current = address
                usleep(UInt32(patience.pauses[tries] * 1e6))
                tries += 1
            }
        }
    }

    /// One request, of which `body` gets exactly the range.
    ///
    /// - Returns: the address that the answer came from.
    private func ask(
        _ current: WebAddress, for range: Range<Int>, body: (UnsafeRawBufferPointer) throws -> Void
    ) throws(RemoteFailure) -> WebAddress {
        var left = range.count
        let request = RemoteRequest(patience: patience, range: range, condition: first.strongTag)
        let answering = try RemoteFailure.of {
            try request.get(current, head: { try prove($0, range, isRedirected: current != address) }) {
                piece in
                guard piece.count <= left else {
                    throw RemoteFailure.refused("\(current.host) sends more bytes than it says")
                }
                try body(piece)
                left -= piece.count
            }
        }
        guard left == 0 else {
            throw .interrupted(
                "\(current.host) sends \(range.count - left) bytes, where it says \(range.count)")
        }
        return answering
    }

    private func prove(_ head: ResponseHead, _ range: Range<Int>, isRedirected: Bool) throws(RemoteFailure) {
        switch head.status {
        case 206: break
        case 200, 412, 416:
            throw .refused("the file changed on the server while it was being read")
        default:
            let failure = RemoteFailure.status(head.status, of: address)
            // What a redirect led to may be an address for a while only.
            throw isRedirected ? .interrupted(failure.reason) : failure
        }
        guard head.canBe(of: first) else {
            throw .refused("the file changed on the server while it was being read")
        }
        try head.prove(range, ofFile: size, at: address)
    }
}
