import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// What an address is, what is shown of it, and where it may lead.
@Suite struct WebAddressTests {
    @Test(arguments: [
        "model.pth", "/tmp/https://a/b", "./http://a", "https:/a", "https:a", "httpx://a", "ftp://a",
        "file:///a",
        "", "://a", "s3://bucket/a", "a/http://b",
    ])
    func everythingElseIsAPath(_ text: String) {
        #expect(WebAddress(text) == nil)
        #expect(WebAddress.shown(text) == text)
    }

    @Test(arguments: ["ftp://a/b.pth", "s3://bucket/b.pth", "file:///b.pth"])
    func otherSchemesAreNamed(_ text: String) throws {
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: text) }
        #expect(error?.detail.contains("only https:// and http:// are read") == true)
    }

    @Test func secretsAreNotShown() throws {
        let address = try #require(
            WebAddress("https://me:pass@word@host:8/a/b%20c.pth?token=secret&x=/y#part"))
        #expect(address.shown == "https://host:8/a/b%20c.pth")
        #expect(address.text == "https://me:pass@word@host:8/a/b%20c.pth?token=secret&x=/y")
        #expect(address.host == "host:8" && address.isSecure)
        #expect(WebAddress.shown("HTTP://u@h?q") == "HTTP://h")
    }

    @Test func namesOfFiles() {
        #expect(WebAddress.fileName("https://h/a/b%20c-%C3%A9.pth") == "b c-é.pth")
        #expect(WebAddress.fileName("a/b%20c.pth") == "b%20c.pth")
        #expect(WebAddress.fileName("https://h/a%0Ab.pth") == "a%0Ab.pth")
        #expect(WebAddress.fileName("https://h/a%FFb.pth%2") == "a%FFb.pth%2")
    }

    @Test func neighbours() {
        #expect(
            WebAddress.path(of: "a b/c.json", beside: "https://u:p@h/x/m.pth?q=/r")
                == "https://u:p@h/x/a%20b%2Fc.json")
        #expect(WebAddress.path(of: "c.json", beside: "https://h") == "https://h/c.json")
        #expect(WebAddress.path(of: "c.json", beside: "x/m.pth") == "x/c.json")
        #expect(WebAddress.path(of: "c.json", beside: "m.pth") == "c.json")
    }

    @Test func redirectsStayOnTheWebAndSecure() throws {
        let plain = try #require(WebAddress("http://a/b"))
        let secure = try #require(WebAddress("https://a/b"))
        #expect(try plain.redirected(to: "https://c/d") == WebAddress("https://c/d"))
        #expect(try secure.redirected(to: "https://c/d") == WebAddress("https://c/d"))
        #expect(throws: RemoteFailure.self) { try secure.redirected(to: "http://c/d") }
        for target in ["file:///etc/passwd", "ftp://c/d", "gopher://c", "/d", ""] {
            #expect(throws: RemoteFailure.self) { try plain.redirected(to: target) }
        }
    }

    private static func redirect(_ target: String) -> WebServer.Answer {
        WebServer.Answer("302 Found", [("Location", target)], body: Array("<html>elsewhere</html>".utf8))
    }

    @Test func redirectsAreFollowedAndRemembered() throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let other = try RemoteTests.server(bytes)
        let server = try WebServer { request, _ in
            request.path == "/first"
                ? Self.redirect("second?signed=1") : Self.redirect(other.address + "third")
        }
        let there = try RemoteTests.open(server.address + "first")
        #expect(there.tensors.count > 10 && there.path == server.address + "first")
        #expect(server.requests.map(\.path) == ["/first", "/second?signed=1"])
        #expect(Set(other.requests.map(\.path)) == ["/third"] && other.requests.count > 1)
    }

    @Test func anAddressThatHasExpiredIsAskedForAgain() throws {
        let bytes = try Fixtures.bytes("models/plain.pth")
        let server = try WebServer { request, number in
            if request.path == "/file" { return Self.redirect("signed-\(number)") }
            return number == 2 ? WebServer.Answer("403 Expired") : .file(bytes, request)
        }
        #expect(try RemoteTests.open(server.address + "file").container == .torchZip)
        #expect(server.requests.filter { $0.path == "/file" }.count > 1)
    }

    @Test(arguments: [
        ("file:///etc/passwd", "redirects to file: and not to https: or http:"),
        ("ftp://127.0.0.1/a", "redirects to ftp: and not"), ("loop", "more than 10 redirects"),
    ])
    func redirectsThatAreNotFollowed(target: String, message: String) throws {
        let server = try WebServer { _, _ in Self.redirect(target) }
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: server.address + "a") }
        #expect(error?.detail.contains(message) == true, "\(error?.detail ?? "")")
        #expect(server.requests.count == (target == "loop" ? 11 : 1))
    }

    @Test func aRedirectToNowhere() throws {
        let server = try WebServer { _, _ in WebServer.Answer("302 Found") }
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: server.address + "a") }
        #expect(error?.detail.contains("to no address") == true)
    }
}
