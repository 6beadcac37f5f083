import CCurl
import Synchronization
import TensorCore

/// Requests of one address after another; connections to servers stay open between them.
enum HTTPConnection {
    /// How long a server may take.
    struct Patience: Sendable {
        /// Seconds until a connection stands.
        var connecting = 30
        /// Seconds in which next to nothing comes.
        var stalling = 30
        /// Seconds before the next try after an interruption, the second and so on.
        var pauses: [Double] = [1, 2, 4]
    }

    /// Handles of the library that nobody uses just now.
    private static let idle = Mutex<[UInt]>([])
    private static let mostIdle = 6

    /// The name under which requests are made.
    static let userAgent = "vit-convert/\(LibraryVersions.own)"

    /// Asks for an address, or a range of it, and follows no redirect.
    ///
    /// - Parameters:
    ///   - condition: the tag that the file must still have.
    ///   - head: looks at the head before the first byte of the body comes; what it throws ends the transfer.
    ///   - body: takes the body, piece by piece.
    /// - Returns: the head, and where it leads.
    static func get(
        _ address: WebAddress, range: Range<Int>?, condition: String?, patience: Patience,
        head: (ResponseHead) throws -> Void, body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> (head: ResponseHead, redirect: String?) {
        if let problem = http_problem() { throw RemoteFailure.refused(String(cString: problem)) }
        guard let connection = take() else { throw RemoteFailure.refused("libcurl cannot be initialised") }
        defer { giveBack(connection) }
        return try withoutActuallyEscaping(head) { head in
            try withoutActuallyEscaping(body) { body in
                let exchange = HTTPExchange(head: head, body: body)
                let result = exchange.perform(
                    on: connection, address.text, range, condition, patience, agent: userAgent)
                if let error = exchange.error { throw error }
                try prove(result, of: address)
                // An answer without a body has not been looked at.
                try exchange.finishHead()
                return (exchange.response, result.redirect.map { String(cString: $0) })
            }
        }
    }

    private static func take() -> UnsafeMutableRawPointer? {
        idle.withLock { $0.popLast() }.flatMap { UnsafeMutableRawPointer(bitPattern: $0) } ?? http_open()
    }

    private static func giveBack(_ connection: UnsafeMutableRawPointer) {
        let isKept = idle.withLock { idle in
            if idle.count < mostIdle { idle.append(UInt(bitPattern: connection)) }
            return idle.contains(UInt(bitPattern: connection))
        }
        if !isKept { http_close(connection) }
    }

    private static func prove(_ result: http_result, of address: WebAddress) throws(RemoteFailure) {
        let message = withUnsafeBytes(of: result.message) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch result.ending {
        case HTTP_DONE: return
        case HTTP_LOST: throw .interrupted("the connection to \(address.host) broke off: \(message)")
        case HTTP_STALLED: throw .stalled("\(address.host) takes too long: \(message)")
        default: throw .refused(message)
        }
    }
}

/// One request and what comes of it.
private final class HTTPExchange {
    private let head: (ResponseHead) throws -> Void
    private let body: (UnsafeRawBufferPointer) throws -> Void
    private(set) var response = ResponseHead()
    private(set) var error: (any Error)?
    private var isHeadSeen = false

    init(
        head: @escaping (ResponseHead) throws -> Void, body: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) {
        self.head = head
        self.body = body
    }

    func perform(
        on connection: UnsafeMutableRawPointer, _ url: String, _ range: Range<Int>?, _ condition: String?,
        _ patience: HTTPConnection.Patience, agent: String
    ) -> http_result {
        var result = http_result()
        withOptionalText(range.map { "\($0.lowerBound)-\($0.upperBound - 1)" }) { range in
            withOptionalText(condition) { condition in
                url.withCString { url in
                    agent.withCString { agent in
                        var request = http_request()
                        request.url = url
                        request.range = range
                        request.if_range = condition
                        request.user_agent = agent
                        request.connect_seconds = patience.connecting
                        request.stall_seconds = patience.stalling
                        request.context = Unmanaged.passUnretained(self).toOpaque()
                        request.head = { bytes, size, count, context in
                            HTTPExchange.of(context).take(head: bytes, size * count)
                        }
                        request.body = { bytes, size, count, context in
                            HTTPExchange.of(context).take(body: bytes, size * count)
                        }
                        http_get(connection, &request, &result)
                    }
                }
            }
        }
        return result
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPExchange {
        Unmanaged<HTTPExchange>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
    }

    private func take(head bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        response.add(String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self))
        return count
    }

    /// - Returns: `count`, or another number to end the transfer.
    private func take(body bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        do {
            try finishHead()
            try body(UnsafeRawBufferPointer(start: bytes, count: count))
            return count
        } catch {
            self.error = error
            return count == 0 ? 1 : 0
        }
    }

    /// Has the head looked at, once.
    func finishHead() throws {
        guard !isHeadSeen else { return }
        isHeadSeen = true
        try head(response)
    }
}

private func withOptionalText(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Void) {
    guard let text else { return body(nil) }
    text.withCString { body($0) }
}
