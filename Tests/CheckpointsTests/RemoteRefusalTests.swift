import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// Servers that fail, change their mind, or say what is not so.
@Suite struct RemoteRefusalTests {
    typealias Answer = WebServer.Answer

    /// What is wrong with an answer, and what is said of it.
    struct Lie: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let message: String
        let tell: @Sendable (Answer) -> Answer

        init(_ name: String, _ message: String, _ tell: @escaping @Sendable (Answer) -> Answer) {
            testDescription = name
            self.message = message
            self.tell = tell
        }
    }

    static let lies = [
        Lie("another start", "was asked for bytes") { $0.with("Content-Range", "bytes 1-16384/71095") },
        Lie("another end", "was asked for bytes") { $0.with("Content-Range", "bytes 0-16382/71095") },
        Lie("no range", "does not say which range") { $0.with("Content-Range", nil) },
        Lie("no size", "does not say which range") { $0.with("Content-Range", "bytes 0-16383/*") },
        Lie("nonsense", "does not say which range") { $0.with("Content-Range", "bytes 9-1/-5") },
        Lie("too large a number", "does not say which range") {
            $0.with("Content-Range", "bytes 0-16383/99999999999999999999")
        },
        Lie("a size beyond all", "no room for its") {
            $0.with("Content-Range", "bytes 0-16383/9223372036854775807")
        },
        Lie("fewer bytes than said", "contradicts itself") { $0.with("Content-Length", "16000") },
        Lie("more bytes than said", "contradicts itself") { answer in
            var answer = answer.with("Content-Length", "\(answer.body.count + 10)")
            answer.body += [UInt8](repeating: 0, count: 10)
            return answer
        },
        Lie("more bytes, without a length", "sends more bytes than it says") { answer in
            var answer = answer.with("Content-Length", nil).with("Connection", "close")
            answer.body += [1]
            answer.cut = answer.body.count
            return answer
        },
        Lie("fewer bytes, without a length", "sends 16383 bytes, where it says 16384") { answer in
            var answer = answer.with("Content-Length", nil).with("Connection", "close")
            answer.cut = answer.body.count - 1
            return answer
        },
        Lie("broken off each time", "broke off") { answer in
            var answer = answer
            answer.cut = 100
            return answer
        },
        Lie("several ranges", "several ranges") {
            $0.with("Content-Type", "multipart/byteranges; boundary=x")
        },
        Lie("compressed", "Content-Encoding: gzip") { $0.with("Content-Encoding", "gzip") },
        Lie("a page", "a web page") { $0.with("Content-Type", "text/html; charset=utf-8") },
        Lie("nothing at first", "takes too long") { answer in
            var answer = answer
            answer.stall = 0
            return answer
        },
        Lie("401", "status 401 (Unauthorized)") { _ in Answer("401 No") },
        Lie("403", "status 403 (Forbidden)") { _ in Answer("403 No", body: [1, 2, 3]) },
        Lie("404", "status 404 (Not Found)") { _ in Answer("404 No") },
        Lie("416", "status 416") { _ in Answer("416 No") },
        Lie("500", "status 500 (Internal Server Error)") { _ in Answer("500 No") },
        Lie("503", "status 503 (Service Unavailable)") { _ in Answer("503 No") },
        Lie("204", "status 204") { _ in Answer("204 No") },
    ]

    @Test(arguments: lies)
    func isRefused(_ lie: Lie) throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let server = try WebServer { request, _ in lie.tell(.file(bytes, request)) }
        for access in [RemoteAccess.ranges, .whole] {
            let error = #expect(throws: CheckpointError.self) {
                try Checkpoint(
                    file: try RemoteTests.file(server.address + "m.pth", access))
            }
            #expect(error?.kind == .inaccessible)
            #expect(error?.detail.contains(lie.message) == true, "\(error?.detail ?? "")")
        }
    }

    /// The same lies, told from the second answer on, to who reads the end of the file.
    static let laterLies =
        lies.filter { !["a size beyond all", "416"].contains($0.testDescription) } + [
            Lie("another tag", "the file changed on the server") { $0.with("ETag", "\"2\"") },
            Lie("all of the file", "the file changed on the server") { _ in Answer("200 OK", body: [1, 2, 3])
            },
            Lie("no such version", "the file changed on the server") { _ in Answer("412 No") },
            Lie("behind its end", "the file changed on the server") { _ in
                Answer("416 No", [("Content-Range", "bytes */5")])
            },
            Lie("another size", "it had 71095 bytes, and has 99999") {
                $0.with(
                    "Content-Range",
                    ($0.fields.first { $0.0 == "Content-Range" }?.1 ?? "").replacing("/71095", with: "/99999")
                )
            },
        ]

    @Test(arguments: laterLies)
    func isRefusedLater(_ lie: Lie) throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        #expect(bytes.count == 71_095)
        let server = try WebServer { request, number in
            number == 0 ? .file(bytes, request) : lie.tell(.file(bytes, request))
        }
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(file: try RemoteTests.file(server.address + "m.pth"))
        }
        #expect(error?.kind == .inaccessible, "and not damaged")
        let isSame = ["another start", "another end"].contains(lie.testDescription)
        let message = isSame ? "was asked for bytes" : Self.later[lie.testDescription] ?? lie.message
        #expect(error?.detail.contains(message) == true, "\(error?.detail ?? "")")
    }

    /// What is said where it is another range.
    private static let later = [
        "fewer bytes, without a length": "bytes, where it says",
        "no size": "does not say which range",
    ]

    @Test func anotherDateIsAnotherFile() throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let server = try WebServer { request, number in
            Answer.file(bytes, request, tag: nil).with(
                "Last-Modified", "Thu, 0\(min(number, 1) + 1) Jan 2026")
        }
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(file: try RemoteTests.file(server.address + "m.pth"))
        }
        #expect(error?.detail.contains("the file changed on the server") == true)
        #expect(server.requests.allSatisfy { $0.fields["if-range"] == nil })
    }

    @Test func aStrongTagIsAskedFor() throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let server = try WebServer { request, _ in .file(bytes, request, tag: "\"v7\"") }
        _ = try Checkpoint(file: try RemoteTests.file(server.address + "m.pth"))
        #expect(server.requests.map { $0.fields["if-range"] }.dropFirst().allSatisfy { $0 == "\"v7\"" })
        #expect(server.requests[0].fields["if-range"] == nil && server.requests.count > 1)
        #expect(server.requests.allSatisfy { $0.fields["user-agent"]?.hasPrefix("vit-convert/") == true })

        let weak = try WebServer { request, _ in .file(bytes, request, tag: "W/\"v7\"") }
        _ = try Checkpoint(file: try RemoteTests.file(weak.address + "m.pth"))
        #expect(weak.requests.allSatisfy { $0.fields["if-range"] == nil })
    }

    /// Readers ask for one thing after another, and take a failure for an answer.
    @Test func afterAFailureNothingIsAsked() throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let server = try WebServer { request, number in
            number == 0 ? .file(bytes, request) : Answer("500 No")
        }
        let file = try RemoteTests.file(server.address + "m.pth")
        #expect(throws: CheckpointError.self) { try Checkpoint(file: file) }
        let count = server.requests.count
        #expect(throws: ByteError.self) { try ByteRegion(file).array() }
        #expect(server.requests.count == count)
        #expect(throws: CheckpointError.self, "and nothing is called harmless") {
            try SecurityReport(file: file)
        }
    }

    /// Where the kind of a file is told by whether it can be read.
    @Test func aFailureIsNoOtherKindOfFile() throws {
        let value = [0xC5, 0x3F, 0xF2] + [UInt8](repeating: 0, count: 0x3FF2)
        let bytes = [0x82, 0xA1, 0x61] + value + [0xA1, 0x62, 0xC4, 9] + [UInt8](repeating: 0, count: 9)
        #expect(bytes.count == 16_384 + 5)
        #expect(MessagePackProbe.matches(ByteRegion(bytes)))
        let server = try WebServer { request, number in
            number == 0 ? .file(bytes, request) : Answer("500 No")
        }
        let file = try RemoteTests.file(server.address + "m.msgpack")
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(file: file) }
        #expect(error?.kind == .inaccessible, "\(error?.description ?? "")")
    }

    // MARK: Interruptions

    @Test func aDownloadGoesOnWhereItBrokeOff() throws {
        let folder = try TemporaryFolder()
        let here = try RemoteTests.large("safetensors", in: folder)
        let bytes = try WriterSamples.bytes(here)
        let server = try WebServer { request, number in
            var answer = Answer.file(bytes, request)
            if (1...6).contains(number) { answer.cut = 300_000 }
            return answer
        }
        let there = try Checkpoint(file: try RemoteTests.file(server.address + "m"))
        try there.fetch()
        #expect(try Digest.sha256(of: there.files) == Digest.sha256(of: here.files))
        let starts = server.requests.dropFirst().compactMap { $0.range(of: bytes.count)?.lowerBound }
        #expect(starts == (0...6).map { 16_384 + $0 * 300_000 })
        #expect(server.bytesSent == bytes.count)
    }

    @Test func triesHaveAnEnd() throws {
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let server = try WebServer { request, number in
            var answer = Answer.file(bytes, request)
            if number > 0 { answer.cut = 10 }
            return answer
        }
        let file = try RemoteTests.file(server.address + "m")
        #expect(throws: ByteError.self) { try file.fetch() }
        #expect(server.requests.count == 5)
    }

    @Test func aBusyServerIsAskedAgain() throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let server = try WebServer { request, number in
            number < 2 ? Answer("503 Later") : .file(bytes, request)
        }
        #expect(try Checkpoint(file: try RemoteTests.file(server.address + "m")).container == .torchZip)
    }

    @Test func withoutRangesABreakIsTheEnd() throws {
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let server = try WebServer { _, _ in
            var answer = Answer("200 OK", body: bytes)
            answer.cut = 100_000
            return answer
        }
        let error = #expect(throws: CheckpointError.self) {
            try RemoteTests.file(server.address + "m", .whole)
        }
        #expect(error?.detail.contains("so that the rest cannot be asked for") == true)
    }

    @Test func nobodyAnswers() throws {
        // Of a server that is gone, the port is free.
        let address = try WebServer { _, _ in Answer("200 OK") }.address
        let error = #expect(throws: CheckpointError.self) { try RemoteTests.file(address) }
        #expect(error?.kind == .inaccessible && error?.detail.contains("connect") == true)
    }
}
