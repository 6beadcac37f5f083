import TensorCore

/// What the first request of a file brings: its size, its beginning, and what tells it from later versions of it.
struct RemoteOpening {
    let address: WebAddress
    let head: ResponseHead
    let size: Int
    /// The first bytes; all of them where a server that sends no ranges has a small file.
    let start: [UInt8]

    /// What is asked for first.
    private static let firstRange = 0..<16 << 10

    /// What a server sends that was asked for a range.
    private enum Answer {
        case range(size: Int)
        /// All of the file, of the length that the head says, if any.
        case all(length: Int?)
    }

    /// A server that sends no ranges, and begins with all of the file.
    struct Unranged: Error {
        let length: Int?
    }

    /// - Throws: `Unranged`, `RemoteFailure`.
    init(_ address: WebAddress, patience: HTTPConnection.Patience) throws {
        var (first, answer) = (ResponseHead(), Answer.range(size: 0))
        var start: [UInt8] = []
        let request = RemoteRequest(patience: patience, range: Self.firstRange)
        self.address = try request.get(
            address,
            head: { head in
                first = head
                answer = try Self.answer(head, at: address)
                if case .all(let length) = answer, (length ?? .max) > Self.firstRange.count {
                    throw Unranged(length: length)
                }
            },
            body: { piece in
                guard start.count + piece.count <= Self.firstRange.count else {
                    throw RemoteFailure.refused("\(address.host) sends more bytes than it says")
                }
                start += piece
            })
        head = first
        size =
            switch answer {
            case .range(let size): size
            case .all(let length): length ?? start.count
            }
        guard start.count == min(size, Self.firstRange.count) else {
            throw RemoteFailure.interrupted(
                "\(address.host) sends \(start.count) bytes, where it says \(min(size, Self.firstRange.count))"
            )
        }
        self.start = start
    }

    private static func answer(_ head: ResponseHead, at address: WebAddress) throws(RemoteFailure) -> Answer {
        switch head.status {
        case 206: return .range(size: try head.prove(firstRange, ofFile: nil, at: address))
        case 200:
            try head.provePlain(of: address)
            return .all(length: head.length)
        // There is no first byte.
        case 416 where head.totalAlone == 0: throw .refused("the file is empty")
        default: throw .status(head.status, of: address)
        }
    }
}
