import Foundation
import TestSupport
import Testing

@testable import TensorCore

/// Addresses in place of files.
@Suite struct RemoteCommandTests {
    static let demo = "models/vit_demo.pth"

    static func server() throws -> WebServer {
        try WebServer { request, _ in
            let name = String(request.path.dropFirst().prefix { $0 != "?" })
            guard let bytes = try? Fixtures.bytes(name) else { return WebServer.Answer("404 Not Found") }
            return .file(bytes, request)
        }
    }

    @Test func inspectReadsTheDirectoryAndNoValues() throws {
        let server = try Self.server()
        let run = try Run(["inspect", server.address + Self.demo])
        let here = try Run(["inspect", Self.demo])
        #expect(run.status == 0 && run.error.isEmpty)
        #expect(run.text == here.text.replacing(Self.demo, with: server.address + Self.demo))
        #expect(run.text.contains("values were not read"))
        let size = try Fixtures.bytes(Self.demo).count
        #expect(server.bytesSent < size / 5, "\(server.bytesSent) of \(size)")
    }

    /// Here, 64 places of the head are looked at.
    @Test func noValueOfTheHeadIsRead() throws {
        let folder = try TemporaryFolder()
        #expect(try Run([Self.demo, folder.path + "a.safetensors"]).status == 0)
        var bytes = [UInt8](try #require(FileManager.default.contents(atPath: folder.path + "a.safetensors")))
        let start = 8 + (Int(bytes[1]) << 8 | Int(bytes[0]))
        let header = try JSONParser.parse(Array(bytes[8..<start]))
        let entry = header["head.weight"]?["data_offsets"]?.array
        let place = try #require(entry).compactMap(\.integer)
        for index in place[0]..<place[1] { bytes[start + index] = 0 }
        let (all, path) = (bytes, try folder.file("b.safetensors", bytes))
        let server = try WebServer { request, _ in .file(all, request) }
        func finds(_ file: String, _ words: String...) throws -> Bool {
            let run = try Run(["inspect", file, "--heads", "2"] + words)
            #expect(run.status == 0)
            return run.text.contains("zero-head")
        }
        #expect(try finds(path))
        #expect(try !finds(server.address + "b.safetensors"))
        #expect(try finds(server.address + "b.safetensors", "--statistics"))
    }

    @Test func digestsAndStatisticsReadAll() throws {
        let server = try Self.server()
        let words = ["--digest", "--statistics", "--json"]
        let there = try Run(["inspect", server.address + Self.demo] + words).json()
        let here = try Run(["inspect", Self.demo] + words).json()
        for key in ["sha256", "tensors", "findings", "byteCount", "container"] {
            #expect(there[key] == here[key] && here[key] != nil, "\(key)")
        }
    }

    @Test func convertStreams() throws {
        let folder = try TemporaryFolder()
        let server = try Self.server()
        let there = try Run([server.address + Self.demo + "?download=true", folder.path + "a.swt"])
        #expect(there.status == 0)
        #expect(try Run([Self.demo, folder.path + "b.swt"]).status == 0)
        #expect(folder.names == ["a.swt", "b.swt"])
        let files = ["a.swt", "b.swt"].map { FileManager.default.contents(atPath: folder.path + $0) }
        #expect(files[0] == files[1] && files[0] != nil)
    }

    @Test func allOfThemTakeAnAddress() throws {
        let server = try Self.server()
        let demo = server.address + Self.demo
        let reference = server.address + "models/vit_demo.reference.npz"
        #expect(try Run(["verify", demo, "--reference", reference]).status == 0)
        #expect(try Run(["compare", Self.demo, demo]).status == 0)
        #expect(try Run(["inspect", demo, "--security"]).status == 0)
        let several = try Run(["inspect", demo, Self.demo, "--json"]).json()
        #expect(several.array?.count == 2)
    }

    @Test func aDryRunFetchesNoValues() throws {
        let server = try Self.server()
        let run = try Run([server.address + Self.demo, "out.swt", "--dry-run"])
        #expect(run.status == 0 && run.text.hasPrefix("would write"))
        #expect(server.bytesSent < (try Fixtures.bytes(Self.demo)).count / 5)
    }

    /// What cannot be converted is not fetched.
    @Test func whatIsNoModelIsNotFetched() throws {
        let folder = try TemporaryFolder()
        let server = try Self.server()
        let run = try Run([server.address + Self.demo, folder.path + "a.swt", "--select", "nowhere"])
        #expect(run.status == 2 && folder.names.isEmpty)
        #expect(server.bytesSent < (try Fixtures.bytes(Self.demo)).count / 5)
    }

    @Test func theFilesBesideAHubsModelAreRead() throws {
        let server = try Self.server()
        let index = "schemes/torch/hf_vit_sharded/model.safetensors.index.json"
        let there = try Run(["inspect", server.address + index, "--json"]).json()
        let here = try Run(["inspect", index, "--json"]).json()
        for key in ["configuration", "scheme", "remarks", "tensors"] {
            #expect(there[key] == here[key] && here[key] != nil, "\(key)")
        }
        let names = Set(server.requests.compactMap { $0.path.split(separator: "/").last })
        #expect(names.isSuperset(of: ["config.json", "preprocessor_config.json"]))

        let other = try Self.server()
        #expect(try Run(["inspect", other.address + "models/plain.pth"]).status == 0)
        #expect(other.requests.allSatisfy { $0.path == "/models/plain.pth" }, "of another name, nothing")
    }

    @Test func failuresNameTheAddressWithoutItsSecrets() throws {
        let server = try Self.server()
        let address =
            server.address.replacing("http://", with: "http://me:hidden@") + "no/such.pth?token=secret"
        for words in [["inspect", address], ["inspect", address, "--json"], [address, "out.swt"]] {
            let run = try Run(words)
            #expect(run.status == 2)
            #expect(run.error.hasPrefix("vit-convert: \(server.address)no/such.pth: "))
            #expect(run.error.contains("status 404 (Not Found)"))
            let all = run.text + run.error
            #expect(!all.contains("secret") && !all.contains("hidden"))
        }
        #expect(
            server.requests.allSatisfy { $0.fields["authorization"] != nil && $0.path.hasSuffix("=secret") })
    }

    /// To download it again would not help.
    @Test func aFileThatIsCutOnTheServerIsToldAsSuch() throws {
        let server = try Self.server()
        let run = try Run(["inspect", server.address + "refused/truncated_half.pth", "--json"])
        #expect(run.status == 2)
        #expect(run.error.contains(". The file is cut on the server: at least "), "\(run.error)")
        let finding = try run.json()["findings"]?.array?.first
        #expect(finding?["kind"]?.string == "truncated")
        #expect(finding?["advice"]?.string?.hasPrefix("Take it from elsewhere") == true)
        #expect(
            try Run(["inspect", "refused/truncated_half.pth"]).error.contains(". Download the file again: "))
    }

    @Test func withoutRangesItIsSaidSo() throws {
        let bytes = try Fixtures.bytes(Self.demo)
        let server = try WebServer { _, _ in WebServer.Answer("200 OK", body: bytes) }
        let inspect = try Run(["inspect", server.address + "m.pth"])
        #expect(inspect.status == 2)
        #expect(inspect.error.contains("sends no ranges: it would take all \(bytes.count) bytes"))
        #expect(inspect.error.contains("curl -L URL | vit-convert inspect -"))
        #expect(try Run(["inspect", server.address + "m.pth", "--digest"]).status == 0)
        #expect(try Run(["compare", server.address + "m.pth", Self.demo]).status == 0)
    }

    @Test func withoutTheLibraryItIsNamed() throws {
        let missing = ["VIT_CONVERT_CURL": "libmissing.so.9"]
        let run = try Run(["inspect", "https://127.0.0.1:1/m.pth"], environment: missing)
        #expect(run.status == 2)
        #expect(
            run.error.contains("needs libcurl (apt-get install libcurl4), which cannot be loaded: libmissing")
        )
        #expect(try Run(["inspect", Self.demo], environment: missing).status == 0)
        let version = try Run(["--version", "--verbose"], environment: missing)
        #expect(version.status == 0 && version.text.contains("libmissing.so.9"))
    }

    @Test func nothingIsWrittenToAServer() throws {
        let server = try Self.server()
        let run = try Run([Self.demo, server.address + "out.swt"])
        #expect(run.status == 64 && run.error.contains("only files here are written"))
        #expect(server.requests.isEmpty)
    }
}
