import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// The pages of `--report`, read by an XML parser.
@Suite struct ReportPageTests {
    private static func inspection(_ name: String) throws -> Inspection {
        var options = InspectionOptions()
        options.computesHistograms = true
        return try inspect(try Checkpoint(path: Fixtures.path(name)), options: options)
    }

    private static func verification(_ change: (inout ModelOptions) -> Void = { _ in }) throws -> (
        prepared: PreparedModel, reference: String, result: Verification
    ) {
        var options = ModelOptions()
        change(&options)
        let prepared = try PreparedModel(
            try Checkpoint(path: Fixtures.path("models/vit_demo.pth")), options: options)
        let reference = Fixtures.path("models/vit_demo.reference.npz")
        return (prepared, reference, try verify(prepared, reference: reference))
    }

    private static func comparison(_ a: String, _ b: String) throws -> CheckpointComparison {
        try compare(ComparedPair.file(a), ComparedPair.file(b))
    }

    private static func key(_ cell: PageElement) -> Double? {
        cell.attributes["data-v"].flatMap { Double($0) }
    }

    // MARK: Names of strangers

    @Test func namesAreTextsAndNothingElse() throws {
        let names = try #require(try ReportFixture.golden()["names"]?.array).compactMap(\.string)
        let inspection = try Self.inspection("report/names.safetensors")
        let page = try PageElement.parse(try inspection.page())
        #expect(page.all("script").count == 1)
        #expect(page.all("ol").map { $0.attributes["class"] } == ["model"])
        let found = page.rows(ofTable: "tensors").map { $0[0].text }
        // What cannot be seen is spelled out.
        let spelled = names.map { name in
            [
                ("\u{1B}", "\\u{1b}"), ("\u{202E}", "\\u{202e}"), ("\u{202C}", "\\u{202c}"),
                ("\u{200B}", "\\u{200b}"), ("\u{FFFE}", "\\u{fffe}"),
            ].reduce(name) { $0.replacing($1.0, with: $1.1) }
        }
        #expect(Set(found) == Set(spelled) && found.count == 16)
        let attributes =
            page.all("svg").flatMap(\.attributes.keys) + page.all("td").flatMap(\.attributes.keys)
        #expect(!attributes.contains("onload"))
    }

    @Test func pathsAreTextsToo() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file(
            "<b>&\"'.safetensors", Fixtures.bytes("report/positions.safetensors"))
        let page = try PageElement.parse(try inspect(try Checkpoint(path: path)).page())
        #expect(page.all("h1").map(\.text) == ["<b>&\"'.safetensors"])
        #expect(page.all("title").first?.text.hasPrefix("<b>&\"'.safetensors") == true)
    }

    @Test func aPageHoldsTheFirstOfVeryManyTensors() throws {
        let folder = try TemporaryFolder()
        let entries = (0...ReportTable.mostRows).map {
            "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"
        }
        let header = Array("{\(entries.joined(separator: ","))}".utf8)
        let size = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
        let path = try folder.file("many.safetensors", size + header)
        let page = try PageElement.parse(try inspect(try Checkpoint(path: path)).page())
        #expect(page.rows(ofTable: "tensors").count == ReportTable.mostRows)
        #expect(
            page.all("caption").map(\.text).contains("Every tensor of the file: the first 4000 of 4001"))
    }

    // MARK: Any file

    private static let files =
        Fixtures.list("models", suffix: ".pth") + Fixtures.list("torch", suffix: ".pth")
        + Fixtures.list("findings", suffix: ".safetensors") + Fixtures.list("numpy", suffix: ".npz")
        + Fixtures.list("transformer", suffix: ".pth") + ["security/vit_command.pth", "report/values.pth"]

    @Test(arguments: files)
    func pagesAreWellFormed(_ name: String) throws {
        let inspection = try Self.inspection(name)
        let page = try PageElement.parse(try inspection.page())
        #expect(page.rows(ofTable: "tensors").count == inspection.entries.count)
        #expect(
            page.all("img").allSatisfy { $0.attributes["src"]?.hasPrefix("data:image/png;base64,") == true })
        #expect(page.all("a").isEmpty && page.all("link").isEmpty)
        #expect(
            page.all("h2").contains { $0.text == "Positions and patch filters" }
                == (try? inspection.model?.configuration != nil) ?? false)
    }

    @Test func theSameFileGivesTheSameBytes() throws {
        let pages = try [1, 2].map { threads in
            Parallel.threadCount = threads
            defer { Parallel.threadCount = 0 }
            return try Self.inspection("models/vit_demo.pth").page()
        }
        #expect(pages[0] == pages[1])
    }

    @Test func whatLoadingItWouldRunIsTold() throws {
        let page = try PageElement.parse(try Self.inspection("security/vit_command.pth").page())
        let section = try #require(
            page.all("section").first { $0.all("h2").first?.text == "Loading it in Python" })
        #expect(section.text.contains("DANGEROUS"))
        let plain = try PageElement.parse(try Self.inspection("models/vit_demo.pth").page())
        #expect(plain.all("ol").map { $0.attributes["class"] } == ["model flow"])
        #expect(!plain.all("h2").contains { $0.text == "Loading it in Python" })
    }

    // MARK: The numbers

    @Test func theNumbersOfInspectAreThoseOfTheJSON() throws {
        let inspection = try Self.inspection("report/values.safetensors")
        let rows = try PageElement.parse(try inspection.page()).rows(ofTable: "tensors")
        let tensors = try #require(inspection.json["tensors"]?.array)
        #expect(rows.count == tensors.count && rows.count == 13)
        for (row, tensor) in zip(rows, tensors) {
            #expect(row[0].text == tensor["name"]?.string && row[1].text == tensor["dtype"]?.string)
            #expect(Self.key(row[3]) == tensor["byteCount"]?.double)
            let statistics = try #require(tensor["statistics"])
            for (column, key) in [(5, "min"), (6, "max"), (7, "mean"), (8, "std"), (9, "zeroCount")] {
                #expect(Self.key(row[column]) == statistics[key]?.double, "\(row[0].text) \(key)")
            }
            let others = (statistics["nanCount"]?.integer ?? 0) + (statistics["infCount"]?.integer ?? 0)
            #expect(Self.key(row[10]) == Double(others))
        }
    }

    @Test func theNumbersOfVerifyAreThoseOfTheJSON() throws {
        let (prepared, reference, result) = try Self.verification { $0.gelu = .tanh }
        let page = try PageElement.parse(result.page(of: prepared, reference: reference))
        let json = result.report.json
        #expect(
            page.all("p").contains {
                $0.text == "parity fails, first at \(json["firstDivergence"]?.string ?? "")"
            })
        let rows = page.rows(ofTable: "activations")
        let entries = (json["activations"]?.array ?? []) + [json["logits"]].compactMap(\.self)
        #expect(rows.count == 25 && rows.count == entries.count)
        for (row, entry) in zip(rows, entries) {
            #expect(row[0].text == entry["name"]?.string)
            #expect((row[1].text == "ok") == entry["passed"]?.bool)
            #expect(Self.key(row[3]) == entry["maxAbsoluteError"]?.double)
            #expect(Self.key(row[4]) == entry["tolerance"]?["absolute"]?.double)
            #expect(Self.key(row[6]) == entry["rootMeanSquareError"]?.double)
            #expect(Self.key(row[7]) == entry["cosineSimilarity"]?.double)
        }
    }

    @Test func theCauseIsInThePage() throws {
        let (prepared, reference, result) = try Self.verification { $0.gelu = .tanh }
        let diagnosis = try diagnose(prepared, reference: reference, verification: result)
        let page = try PageElement.parse(
            result.page(of: prepared, reference: reference, diagnosis: diagnosis))
        let section = try #require(page.all("section").first { $0.all("h2").first?.text == "Diagnosis" })
        #expect(section.text.contains("These explain the difference"))
        #expect(section.all("code").contains { $0.text == "--gelu exact" })
    }

    @Test func theNumbersOfCompareAreThoseOfTheJSON() throws {
        let comparison = try Self.comparison("base.pth", "noise.safetensors")
        let rows = try PageElement.parse(comparison.page()).rows(ofTable: "tensors")
        let tensors = (comparison.json["tensors"]?.array ?? []).filter { $0["status"]?.string != "identical" }
        #expect(rows.count == 12 && rows.count == tensors.count)
        for (row, tensor) in zip(rows, tensors) {
            #expect(row[0].text == tensor["name"]?.string)
            for (column, key) in [
                (3, "relativeChange"), (4, "maxAbsoluteDifference"), (5, "maxRelativeDifference"),
                (6, "meanAbsoluteDifference"), (7, "cosineSimilarity"),
            ] { #expect(Self.key(row[column]) == tensor[key]?.double, "\(row[0].text) \(key)") }
        }
    }

    // MARK: The drawings

    @Test func blocksThatAreAlikeAreDrawnOnce() throws {
        let model = try #require(try Self.inspection("models/vit_demo.pth").model)
        let drawing = ModelDrawing(
            model.parameters.map {
                ModelDrawing.Tensor(
                    name: $0.name, shape: $0.view.shape.dimensions, byteCount: $0.view.byteCount)
            })
        #expect(
            drawing.blocks.map(\.name) == [
                "cls_token", "pos_embed", "patch_embed", "blocks.0", "norm", "head",
            ])
        let block = drawing.blocks[3]
        #expect(block.last == "blocks.1" && block.count == 2)
        #expect(block.parts.map(\.name) == ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"])
        #expect(block.parts[1].shapes == [[384, 128], [384]])
        #expect(drawing.blocks.reduce(0) { $0 + $1.count * $1.elementCount } == 293_514)
    }

    /// A file's header may name any number of tensors of one kind.
    @Test func manyPartsTakeNoTime() throws {
        let tensors = (0..<40_000).flatMap { number in
            ["weight", "bias"].map {
                ModelDrawing.Tensor(name: "layer.part\(number).\($0)", shape: [2], byteCount: 8)
            }
        }
        let drawing = ModelDrawing(tensors)
        #expect(drawing.blocks.map(\.parts.count) == [40_000])
        #expect(drawing.markup(isFlow: false).source.utf8.count < 20_000)
    }

    /// Decades from 1e-8 to 1e-2 over 252 pixels above 268, 42 each.
    @Test func errorsStandOnALogarithmicAxis() throws {
        let zero = FloatTensor(zeros: .scalar)
        var entries = ["a.0.x", "a.1.x", "a.2.x", "b"].map {
            TensorComparison(name: $0, computed: zero, reference: zero, tolerance: Tolerance(absolute: 1e-2))
        }
        for (place, error) in [1e-8, 1e-5, 0, .infinity].enumerated() {
            entries[place].maxAbsoluteError = error
            entries[place].passed = place != 3
        }
        let chart = try PageElement.parse("<div>\(ErrorChart(entries).markup.source)</div>")
        let points = chart.all("svg")[0].all("circle").filter { $0.attributes["class"] == "max" }
        #expect(points.map { $0.attributes["cy"] } == ["268", "142", "268"])
        let failed = chart.all("svg")[0].all("path").filter { $0.attributes["class"] == "bad" }
        #expect(failed.map { $0.attributes["d"]?.contains(" 12.5l") } == [true])
        #expect(chart.all("text").contains { $0.text == "first: b" })
        #expect(chart.all("text").filter { $0.attributes["class"] == "middle" }.count == 4)
    }

    /// A part of one activation beside a longer one has no room for its name.
    @Test func longerPartsHaveTheirNames() throws {
        let zero = FloatTensor(zeros: .scalar)
        let names = ["patch_embed"] + (0..<200).map { "blocks.\($0 / 10).x" } + ["head"]
        let entries = names.map {
            TensorComparison(name: $0, computed: zero, reference: zero, tolerance: Tolerance())
        }
        let chart = try PageElement.parse("<div>\(ErrorChart(entries).markup.source)</div>")
        let labels = chart.all("text").filter { $0.attributes["class"] == "middle" }.map(\.text)
        #expect(labels.filter { $0.hasPrefix("blocks.") } == (0..<20).map { "blocks.\($0)" })
        #expect(!labels.contains("patch_embed"))
    }

    @Test func changesAreColoursByBlockAndKind() throws {
        let map = ChangeMap(try Self.comparison("base.pth", "lacking.safetensors")).markup.source
        let page = try PageElement.parse("<div>\(map)</div>")
        let grid = page.all("table")[0]
        let heads = grid.all("thead")[0].all("th").map(\.text)
        let column = try #require(heads.firstIndex(of: "norm1.weight")) + 1
        let rows = grid.all("tbody")[0].all("tr").map(\.children)
        #expect(rows.map { $0[0].text } == ["blocks.0", "blocks.1", "blocks.2"])
        #expect(rows.map { $0[column].text } == ["=", "=", "only A"])
        let others = page.all("table")[1].all("tbody")[0].all("tr").map(\.children)
        #expect(others.contains { $0[0].text == "extra.scale" && $0[1].text == "only B" })
    }

    /// Sixteen colours for seven decades: 1e-2 is five sevenths of the way.
    @Test func coloursAreLogarithmic() throws {
        let noisy = try Self.comparison("base.pth", "noise.safetensors")
        let page = try PageElement.parse("<div>\(ChangeMap(noisy).markup.source)</div>")
        let cells = page.all("table")[0].all("tbody")[0].all("tr")[1].all("td")
        let changes = noisy.tensors.filter { $0.block == "blocks.1" }.compactMap(\.measure?.relativeChange)
        #expect(cells.count == 12 && changes.count == 12)
        for (cell, change) in zip(cells, changes) {
            let step = Int((log10(change) + 7) / 7 * 16)
            #expect(cell.attributes["class"] == "c\(step)")
        }
    }

    @Test func coloursGoFromDarkToBright() {
        let palette = ColourScale.palette(64)
        #expect(palette.first == [0x44, 0x01, 0x54] && palette.last == [0xFD, 0xE7, 0x25])
        #expect(palette[21] == ColourScale.stops[5])
        #expect(ColourScale.isDark(palette[0]) && !ColourScale.isDark(palette[63]))
    }

    // MARK: The file

    @Test func nothingThatIsReadIsReplaced() throws {
        let folder = try TemporaryFolder()
        let model = try folder.file("a.html", Fixtures.bytes("models/vit_demo.pth"))
        let other = try folder.file("b.html", [1])
        _ = symlink(model, folder.path + "link.html")
        let checkpoint = try Checkpoint(path: model)
        for path in [model, folder.path + "link.html", other] {
            #expect(throws: ToolkitError.self) {
                try ReportFile(path: path, about: [checkpoint], reading: [other])
            }
        }
        #expect(throws: CheckpointError.self) {
            try ReportFile(path: folder.path + "none/a.html", about: [checkpoint])
        }
        try ReportFile(path: folder.path + "new.html", about: [checkpoint]).write("page")
        #expect(folder.names == ["a.html", "b.html", "link.html", "new.html"])
    }
}
