import Foundation
import TestSupport
import Testing

/// `--report` of the three subcommands that have it.
@Suite struct ReportTests {
    private static let reference = ["--reference", "models/vit_demo.reference.npz"]
    private static let jobs: [(words: [String], status: Int32, verdict: String)] = [
        (["inspect", "models/vit_demo.pth"], 0, "nothing wrong was found"),
        (["inspect", "findings/values.safetensors"], 0, "4 findings"),
        (["verify", "models/vit_demo.pth"] + reference, 0, "parity holds"),
        (["verify", "models/vit_demo.pth", "--gelu", "tanh"] + reference, 1, "parity fails, first at"),
        (["compare", "compare/base.pth", "compare/fortran.npz"], 0, "equal"),
        (["compare", "compare/base.pth", "compare/noise.safetensors"], 1, "different"),
    ]

    @Test(arguments: 0..<6) func thePageIsBesideTheResult(_ number: Int) throws {
        let job = Self.jobs[number]
        let folder = try TemporaryFolder()
        let path = folder.path + "page.html"
        let run = try Run(job.words + ["--report", path, "--json"])
        #expect(run.status == job.status, "\(run.error)")
        #expect((try? run.json()) != nil)
        let page = String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
        #expect(page.contains("\">\(job.verdict)"))
        #expect(folder.names == ["page.html"])
    }

    @Test func aPageReadsAllValues() throws {
        let folder = try TemporaryFolder()
        let words = ["inspect", "findings/values.safetensors", "--json"]
        let json = try Run(words + ["--report", folder.path + "page.html"]).json()
        #expect(json == (try Run(words + ["--statistics"]).json()))
    }

    @Test(arguments: [
        (["inspect", "models/vit_demo.pth", "--report", "none/page.html"], 2),
        (["inspect", "refused/page.pth", "--report", "FOLDERpage.html"], 2),
        (
            [
                "verify", "models/vit_demo.pth", "--reference", "refused/page.pth", "--report",
                "FOLDERpage.html",
            ], 2
        ),
        (["compare", "compare/base.pth", "refused/page.pth", "--report", "FOLDERpage.html"], 2),
        (["inspect", "models/vit_demo.pth", "--report", "FOLDERpage.pth"], 64),
        (["inspect", "models/vit_demo.pth", "--report", "-"], 64),
        (["inspect", "models/vit_demo.pth", "models/plain.pth", "--report", "FOLDERpage.html"], 64),
        (["inspect", "models/vit_dem*.pth", "--report", "FOLDERpage.html"], 64),
        (["inspect", "models/vit_demo.pth", "--security", "--report", "FOLDERpage.html"], 64),
        (
            [
                "compare", "compare/base.pth", "compare/f16.safetensors", "compare/f64.safetensors",
                "--report", "FOLDERpage.html",
            ], 64
        ),
        (["verify", "models/vit_demo.pth"] + reference + reference + ["--report", "FOLDERpage.html"], 64),
    ])
    func refusals(_ words: [String], _ status: Int) throws {
        let folder = try TemporaryFolder()
        let run = try Run(words.map { $0.replacing("FOLDER", with: folder.path) })
        #expect(run.status == Int32(status) && !run.error.isEmpty)
        #expect(folder.names.isEmpty)
    }

    @Test func inputsAreNotReplaced() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("model.html", Fixtures.bytes("models/vit_demo.pth"))
        let run = try Run(["inspect", path, "--report", path])
        #expect(run.status == 2 && run.error.contains("the output is the input itself"))
        #expect(FileManager.default.contents(atPath: path) == Data(try Fixtures.bytes("models/vit_demo.pth")))
        let rules = try folder.file("rules.html", Fixtures.bytes("rules/vit_pytorch.json"))
        let words = ["inspect", "rules/vit_pytorch.pth", "--rules", rules]
        #expect(try Run(words).status == 0)
        #expect(try Run(words + ["--report", rules]).status == 2)
    }
}
