import Dispatch
import Synchronization
import TensorCore

/// A version of a file on a web server, from which ranges are fetched.
struct RemoteSource: Sendable {
    /// What the user named.
    let address: WebAddress
    let size: Int
    /// The head of the first answer, which the others must agree with.
    let first: ResponseHead
    let patience: HTTPConnection.Patience

    /// Interruptions count from anew after so many bytes.
    private static let progress = 64 << 10

    var name: String { WebAddress.fileName(address.shown) }

    /// Fetches a range into a file, in as many tries as make sense.
    ///
    /// - Parameters:
    ///   - current: where an answer came from before.
    ///   - task: is told of each piece.
    /// - Returns: where the last answer came from.
    func fetch(
        _ range: Range<Int>, from current: WebAddress, into descriptor: Int32, _ task: ProgressTask?
    ) throws(RemoteFailure) -> WebAddress {
        var current = current
        var (start, tries, counted) = (range.lowerBound, 0, range.lowerBound)
        while start < range.upperBound {
            let begin = start
            do throws(RemoteFailure) {
                current = try ask(current, for: start..<range.upperBound) { piece in
                    try RemoteFailure.keeping { try SpooledFile.write(piece, to: descriptor, at: start) }
                    start += piece.count
                    task?.advance(by: piece.count)
                }
            } catch {
                if start - counted >= Self.progress { (tries, counted) = (0, start) }
                guard error.isWorthATry(hasBegun: start > begin), tries < patience.pauses.count
                else { throw error }
                current = address
                usleep(UInt32(patience.pauses[tries] * 1e6))
                tries += 1
            }
        }
        return current
    }

    /// Fetches ranges, several at a time: one after another they would take a server's distance each.
    func fetch(
        _ ranges: [Range<Int>], from current: WebAddress, into descriptor: Int32, atOnce most: Int
    ) throws(RemoteFailure) {
        let task = Progress.begin("asking \(address.host)", of: ranges.reduce(0) { $0 + $1.count })
        defer { task?.end() }
        let turns = RemoteTurns(ranges)
        let group = DispatchGroup()
        for _ in 0..<min(most, ranges.count) {
            // A queue of its own has a thread of its own, whether others wait or not.
            DispatchQueue(label: "ranges").async(group: group) {
                while let range = turns.next() {
                    do throws(RemoteFailure) {
                        _ = try fetch(range, from: current, into: descriptor, task)
                    } catch {
                        turns.end(error)
                    }
                }
            }
        }
        group.wait()
        if let failure = turns.failure { throw failure }
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

/// Ranges that several threads take one after another, until one of them fails.
private final class RemoteTurns: Sendable {
    private let left: Mutex<(ranges: ArraySlice<Range<Int>>, failure: RemoteFailure?)>

    init(_ ranges: [Range<Int>]) { left = Mutex((ranges[...], nil)) }

    func next() -> Range<Int>? { left.withLock { $0.ranges.popFirst() } }

    func end(_ failure: RemoteFailure) {
        left.withLock { left in
            left.failure = left.failure ?? failure
            left.ranges = []
        }
    }

    var failure: RemoteFailure? { left.withLock { $0.failure } }
}
