import TestSupport
import Testing

@testable import TensorCore

/// Several inputs, and patterns that no shell has filled in.
@Suite struct InputsTests {
    @Test func eachOfSeveralIsReported() throws {
        let run = try Run(["inspect", "models/vit_demo.pth", "models/plain.pth", "--json"])
        #expect(run.status == 0)
        #expect(
            try run.json().array?.map { $0["file"]?.string } == ["models/vit_demo.pth", "models/plain.pth"])
        let text = try Run(["inspect", "models/vit_demo.pth", "models/plain.pth"]).text
        #expect(text.contains("file       models/vit_demo.pth\n"))
        #expect(text.contains("\n\nfile       models/plain.pth\n"))
    }

    @Test func oneIsNoList() throws {
        #expect(
            try Run(["inspect", "models/plain.pth", "--json"]).json()["file"]?.string == "models/plain.pth")
    }

    /// A pattern gives a list also where one file matches: what reads it cannot know how many there are.
    @Test func patternsAreFilledIn() throws {
        let run = try Run(["inspect", "models/plain.p?h", "--json"])
        #expect(try run.json().array?.map { $0["file"]?.string } == ["models/plain.pth"])
        let all = try Run(["inspect", "compare/*.safetensors", "--json"]).json()
        let names = try #require(all.array?.compactMap { $0["file"]?.string })
        #expect(names.count > 2 && names == names.sorted())
    }

    @Test func aBrokenOneDoesNotStopTheOthers() throws {
        let run = try Run(["inspect", "refused/page.pth", "none*.pth", "models/plain.pth", "--json"])
        #expect(run.status == 2)
        let values = try #require(try run.json().array)
        #expect(values.map { $0["file"]?.string } == ["refused/page.pth", "none*.pth", "models/plain.pth"])
        #expect(values[0]["error"]?.string?.hasPrefix("refused/page.pth: ") == true)
        #expect(values[1]["error"]?.string == "none*.pth: No such file or directory")
        #expect(values[2]["container"]?.string == "torch-zip")
        #expect(run.error.contains("vit-convert: refused/page.pth: "))
    }

    @Test func theWorstCodeCounts() throws {
        let words = ["inspect", "--security", "security/vit_command.pth", "models/plain.pth"]
        #expect(try Run(words).status == 1)
        #expect(try Run(words + ["refused/none.pth"]).status == 2)
    }

    @Test func oneIsComparedWithSeveral() throws {
        let run = try Run([
            "compare", "compare/base.pth", "compare/base.pth", "compare/noise.safetensors", "--heads", "2",
            "--json",
        ])
        #expect(run.status == 1)
        #expect(try run.json().array?.map { $0["equal"]?.bool } == [true, false])
    }

    /// What a terminal would take for a command, of one byte or of Latin-1's further controls, is shown and not sent.
    @Test(arguments: [("\\u001b", "\\u{1b}"), ("\\u009b", "\\u{9b}"), ("\\u007f", "\\u{7f}")])
    func namesOfStrangersAreVisible(escape: String, shown: String) throws {
        let folder = try TemporaryFolder()
        let header = "{\"a\(escape)31mb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
        let bytes = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [7]
        let run = try Run(["inspect", try folder.file("m.safetensors", bytes)])
        #expect(run.status == 0 && run.text.contains("a\(shown)31mb"), "\(run.text)")
    }
}
