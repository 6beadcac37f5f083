import TestSupport
import Testing

/// Machines without the libraries that decode pictures.
@Suite struct PictureLibraryTests {
    @Test(arguments: [
        (".jpg", "VIT_CONVERT_TURBOJPEG", "libturbojpeg (Debian's libturbojpeg0)"),
        (".png", "VIT_CONVERT_PNG", "libpng (Debian's libpng16-16)"),
    ])
    func aMissingLibraryIsNamed(ending: String, variable: String, library: String) throws {
        let file = try #require(Fixtures.list("pictures", suffix: ending).first)
        let missing = [variable: "libmissing.so.9"]
        let words = ["run", "models/vit_demo.pth", "--image", file]
        let run = try Run(words, environment: missing)
        #expect(run.status == 2 && run.text.isEmpty)
        #expect(run.error.contains("are read through \(library), which cannot be loaded: libmissing.so.9"))
        #expect(try Run(words).status == 0)
        let version = try Run(["--version", "--verbose"], environment: missing)
        #expect(version.status == 0 && version.text.contains("libmissing.so.9"))
    }
}
