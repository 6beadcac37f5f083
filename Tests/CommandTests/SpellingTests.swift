import Testing

@testable import TensorCore

/// Slips of the keyboard: each is told with what was probably meant.
@Suite struct SpellingTests {
    @Test(
        arguments: [
            (["inspec", "models/vit_demo.pth"], 64, "Did you mean 'inspect'?"),
            (["Verify", "models/vit_demo.pth", "--reference", "x.npz"], 64, "Did you mean 'verify'?"),
            (["comapre", "a.swt", "b.swt"], 64, "Did you mean 'compare'?"),
            (["inspect", "models/vit_demo.pth", "--tre"], 64, "Did you mean '--tree'?"),
            (["models/vit_demo.pth", "/tmp/none.swt", "--dtyp", "f16"], 64, "Did you mean '--dtype'?"),
            (["schemes", "tim"], 64, "did you mean timm?"),
            (["init", "vit_bse_patch16_224", "/tmp/none.swt"], 64, "did you mean vit_base_patch16_224"),
            (
                ["models/timm_checkpoint.pth.tar", "/tmp/none.swt", "--select", "state_dict_em"], 2,
                "did you mean state_dict_ema?"
            ),
        ] as [([String], Int32, String)])
    func isTold(words: [String], status: Int32, hint: String) throws {
        let run = try Run(words)
        #expect(run.status == status)
        #expect(run.error.contains(hint), "\(run.error)")
        #expect(run.text.isEmpty)
    }

    /// A file may bear a name that is nearly a subcommand's; a name with an ending never is one.
    @Test func filesAreNoSlips() throws {
        let run = try Run(["verify.pth", "/tmp/none.swt"])
        #expect(run.status == 2)
        #expect(!run.error.contains("mean"))
    }

    @Test(arguments: [
        ("qkv", "'*qkv*'"), ("blocks.*.atn.qkv.weight", "'blocks.*.attn.qkv.weight'"),
        ("*.nrom1.*", "'*.norm1.*'"),
    ])
    func aFilterThatLetsNothingThrough(filter: String, hint: String) throws {
        let run = try Run(["inspect", "models/vit_demo.pth", "--filter", filter])
        #expect(run.status == 0)
        #expect(run.error.contains("no tensor's name matches '\(filter)'; did you mean \(hint)?"))
    }

    @Test func aFilterLikeNothing() throws {
        let run = try Run(["inspect", "models/vit_demo.pth", "--filter", "0123456789012"])
        #expect(run.error.hasSuffix("no tensor's name matches '0123456789012'\n"))
    }

    @Test func theVersionNamesTheLibraries() throws {
        let lines = try Run(["--version"]).text.split(separator: "\n")
        #expect(lines[0].wholeMatch(of: /vit-convert \d+\.\d+\.\d+/) != nil)
        #expect(lines.dropFirst().map { $0.prefix { $0 != " " } } == ["matrix", "zlib", "libhdf5"])
        #expect(lines.contains { $0.wholeMatch(of: /zlib +\d+\.\d+.*/) != nil })
    }
}
