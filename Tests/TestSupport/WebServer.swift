import Foundation
import Synchronization
import TensorCore

/// A web server on this machine that answers as a test has it answer, also wrongly.
package final class WebServer: Sendable {
    package struct Request: Sendable {
        package let path: String
        /// By their names in lower case.
        package let fields: [String: String]

        /// The range that is asked for, as far as `count` bytes go.
        package func range(of count: Int) -> Range<Int>? {
            guard let text = fields["range"], text.hasPrefix("bytes=") else { return nil }
            let ends = text.dropFirst(6).split(separator: "-").compactMap { Int($0) }
            guard ends.count == 2, ends[0] < count else { return nil }
            return ends[0]..<min(ends[1] + 1, count)
        }
    }

    package struct Answer: Sendable {
        package var status: String
        package var fields: [(String, String)]
        package var body: [UInt8]
        /// After how many bytes of the body the connection breaks off.
        package var cut: Int?
        /// After how many bytes of the body nothing comes any more.
        package var stall: Int?

        package init(_ status: String, _ fields: [(String, String)] = [], body: [UInt8] = []) {
            self.status = status
            self.fields = fields + [("Content-Length", "\(body.count)")]
            self.body = body
        }

        /// A field in place of those of its name, or none.
        package func with(_ name: String, _ value: String?) -> Answer {
            var answer = self
            answer.fields.removeAll { $0.0 == name }
            if let value { answer.fields.append((name, value)) }
            return answer
        }

        /// A file as a server sends it that knows ranges.
        package static func file(_ bytes: [UInt8], _ request: Request, tag: String? = "\"1\"") -> Answer {
            let tags = tag.map { [("ETag", $0)] } ?? []
            guard let range = request.range(of: bytes.count) else {
                return Answer("200 OK", tags, body: bytes)
            }
            let place = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)"
            return Answer(
                "206 Partial Content", tags + [("Content-Range", place)], body: Array(bytes[range]))
        }
    }

    private struct Log {
        var requests: [Request] = []
        var bytesSent = 0
        var open: Set<Int32> = []
        var isOver = false
    }

    /// What the threads of the server share.
    private final class Work: Sendable {
        let log = Mutex(Log())
        let answer: @Sendable (Request, Int) -> Answer
        init(_ answer: @escaping @Sendable (Request, Int) -> Answer) { self.answer = answer }
    }

    private let work: Work
    private let listener: Int32
    /// `http://127.0.0.1:PORT/`
    package let address: String

    /// - Parameter answer: what is answered; with the number of the request, from 0 on.
    package init(_ answer: @escaping @Sendable (Request, Int) -> Answer) throws {
        // Not while others look at it, where nothing asks for it.
        if ["http_proxy", "all_proxy", "ALL_PROXY"].contains(where: { (name: String) in getenv(name) != nil })
        {
            setenv("no_proxy", "127.0.0.1", 1)
        }
        work = Work(answer)
        #if canImport(Darwin)
            listener = socket(AF_INET, SOCK_STREAM, 0)
        #else
            listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (listener, length) = (listener, size)
        let isListening = withUnsafeMutablePointer(to: &place) { place in
            place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        guard isListening else { throw ByteError(.system(errno), offset: 0) }
        address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))/"
        let work = work
        Thread.detachNewThread { Self.accept(at: listener, work) }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        work.log.withLock { log in
            log.isOver = true
            for connection in log.open { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    package var requests: [Request] { work.log.withLock { $0.requests } }
    /// How many bytes of bodies were sent.
    package var bytesSent: Int { work.log.withLock { $0.bytesSent } }

    private static func accept(at listener: Int32, _ work: Work) {
        while true {
            let connection = Foundation.accept(listener, nil, nil)
            guard connection >= 0 else { break }
            let isServed = work.log.withLock { log in
                if !log.isOver { log.open.insert(connection) }
                return !log.isOver
            }
            guard isServed else {
                close(connection)
                break
            }
            Thread.detachNewThread {
                serve(connection, work)
                _ = work.log.withLock { $0.open.remove(connection) }
                close(connection)
            }
        }
        close(listener)
    }

    private static func serve(_ connection: Int32, _ work: Work) {
        while let request = read(connection) {
            let number = work.log.withLock { log in
                log.requests.append(request)
                return log.requests.count - 1
            }
            let answer = work.answer(request, number)
            let fields = answer.fields.map { "\($0.0): \($0.1)\r\n" }.joined()
            guard send(connection, Array("HTTP/1.1 \(answer.status)\r\n\(fields)\r\n".utf8)) else { return }
            let body = answer.body.prefix(answer.cut ?? answer.stall ?? answer.body.count)
            work.log.withLock { $0.bytesSent += body.count }
            guard send(connection, Array(body)) else { return }
            if answer.cut != nil { return }
            // Nothing more is sent until the client goes.
            if answer.stall != nil {
                _ = read(connection)
                return
            }
        }
    }

    private static func read(_ connection: Int32) -> Request? {
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while !text.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard recv(connection, &byte, 1, 0) == 1 else { return nil }
            text.append(byte)
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\r\n")
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces))
        }
        return Request(
            path: lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? "",
            fields: Dictionary(fields) { $1 })
    }

    private static func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        #if canImport(Darwin)
            let flags: Int32 = 0
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.send(connection, $0.baseAddress, $0.count, flags) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
