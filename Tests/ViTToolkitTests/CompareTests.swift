import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// A pair of `Fixtures/compare` and what torch and numpy find between its files.
struct ComparedPair: Sendable, CustomTestStringConvertible {
    let golden: JSONValue

    var a: String { golden["a"]?.string ?? "" }
    var b: String { golden["b"]?.string ?? "" }
    var testDescription: String { "\(a) \(b) \(options.allowsCast) \(options.absolute) \(options.relative)" }

    var options: ComparisonOptions {
        var options = ComparisonOptions()
        options.allowsCast = golden["allowCast"]?.bool ?? false
        options.absolute = golden["absolute"]?.double ?? 0
        options.relative = golden["relative"]?.double ?? 0
        options.b.select = golden["selectB"]?.string
        return options
    }

    func compared() throws -> CheckpointComparison {
        try ViTToolkit.compare(Self.file(a), Self.file(b), options: options)
    }

    static func file(_ name: String) throws -> Checkpoint {
        try Checkpoint(path: Fixtures.path("compare/" + name))
    }

    static let all: [ComparedPair] = {
        let bytes = (try? Fixtures.bytes("compare/compare.golden.json")) ?? []
        let json = try? JSONParser.parse(bytes)
        return (json?["pairs"]?.array ?? []).map(ComparedPair.init)
    }()
}

@Suite struct CompareTests {
    private static func comparison(
        _ a: String, _ b: String, _ change: (inout ComparisonOptions) -> Void = { _ in }
    ) throws -> CheckpointComparison {
        var options = ComparisonOptions()
        change(&options)
        return try compare(ComparedPair.file(a), ComparedPair.file(b), options: options)
    }

    @Test func allPairsAreThere() { #expect(ComparedPair.all.count > 25) }

    @Test(arguments: ComparedPair.all)
    func findsWhatNumPyFinds(_ pair: ComparedPair) throws {
        let comparison = try pair.compared()
        #expect(comparison.isEqual == pair.golden["equal"]?.bool)
        let rows = pair.golden["tensors"]?.array ?? []
        #expect(Set(comparison.tensors.map(\.name)) == Set(rows.compactMap { $0["name"]?.string }))
        #expect(comparison.tensors.count == rows.count)
        let found = Dictionary(
            uniqueKeysWithValues: (comparison.json["tensors"]?.array ?? []).map {
                ($0["name"]?.string ?? "", $0)
            })
        for row in rows {
            let name = row["name"]?.string ?? ""
            let ours = try #require(found[name])
            for member in row.members ?? [] {
                switch member.key {
                case "missingFrom": #expect(ours[member.value.string ?? ""] == nil, "\(name)")
                case "dtypes":
                    #expect(["a", "b"].map { ours[$0]?["dtype"] } == (member.value.array ?? []), "\(name)")
                case "shapes":
                    #expect(["a", "b"].map { ours[$0]?["shape"] } == (member.value.array ?? []), "\(name)")
                case "meanAbsoluteDifference", "relativeChange", "cosineSimilarity":
                    // Sums in another order.
                    let (left, right) = (ours[member.key]?.double ?? .nan, member.value.double ?? 0)
                    #expect(abs(left - right) <= 1e-13 * abs(right), "\(name) \(member.key)")
                default:
                    let value = ours[member.key]
                    let isSame = member.value.double.map { value?.double == $0 } ?? (value == member.value)
                    #expect(isSame, "\(name) \(member.key): \(value?.compact ?? "none")")
                }
            }
        }
    }

    /// However tensors are cut and whatever the order of the cores, what is found is the same.
    @Test(arguments: [1, 7, 100, 1 << 16])
    func piecesMakeNoDifference(_ limit: Int) throws {
        let name = "blocks.0.attn.proj.weight"
        let files = [try ComparedPair.file("nan_other.safetensors"), try ComparedPair.file("fortran.npz")]
        let tensors = try files.map { MappedTensor(name: name, view: try #require($0.tensor(name))) }
        func difference(_ limit: Int) throws -> (differingCount: Int, measure: DifferenceMeasure?) {
            let pair = try TensorPair(
                tensors[0], of: files[0], tensors[1], of: files[1], pieceLimit: limit)
            return try pair.difference(ComparisonOptions())
        }
        let (whole, cut) = (try difference(1 << 20), try difference(limit))
        let (left, right) = (try #require(whole.measure), try #require(cut.measure))
        #expect(whole.differingCount == 3 && cut.differingCount == 3)
        #expect(left.maxAbsolute == right.maxAbsolute && left.nanMismatches == right.nanMismatches)
        #expect(abs(left.meanAbsolute - right.meanAbsolute) < 1e-15)
        #expect(abs(left.cosineSimilarity - right.cosineSimilarity) < 1e-13)
        let again = try difference(limit)
        #expect(again.measure == cut.measure)
    }

    @Test(arguments: [
        ("models/layer_scale.pth", "models/deit3_gamma.pth", true),
        ("models/plain.pth", "models/patch_linear.pth", true),
        ("models/plain.pth", "models/prefix_module_orig_mod_model.pth", true),
        ("models/plain.pth", "swt/plain.swt", true), ("models/plain.pth", "models/registers.pth", false),
    ])
    func namesAndLayoutsDoNotCount(_ a: String, _ b: String, _ isEqual: Bool) throws {
        let files = try [a, b].map { try Checkpoint(path: Fixtures.path($0)) }
        #expect(try compare(files[0], files[1]).isEqual == isEqual)
    }

    @Test func theConfigurationDoesNotCount() throws {
        let comparison = try Self.comparison("base.pth", "base.pth") {
            ($0.a.heads, $0.b.heads) = (2, 4)
            $0.b.gelu = .tanh
        }
        #expect(comparison.isEqual)
        #expect(comparison.configuration.map(\.key) == ["heads", "gelu"])
        #expect(
            comparison.configurationRemark
                == #"the configurations differ, which does not count: heads 2 against 4, gelu "exact" against "tanh""#
        )
    }

    /// Kernels transposed; queries, keys and values apart and by heads, as flax lays them out.
    private static let foreign = NamingScheme(
        name: "foreign", title: "", fingerprint: ["patch_embed.proj.kernel"],
        rules: [
            .same("cls_token"), .same("pos_embed"), .same("patch_embed.proj.bias"),
            MappingRule("patch_embed.proj.kernel", to: "patch_embed.proj.weight", .transpose([3, 2, 0, 1])),
            MappingRule(
                ["blocks.{i}.attn.q.kernel", "blocks.{i}.attn.k.kernel", "blocks.{i}.attn.v.kernel"],
                to: ["blocks.{i}.attn.qkv.weight"],
                [.reshape("D H d -> D (H d)"), .transpose([1, 0]), .concatenate(axis: 0, parts: 3)]),
            MappingRule(
                ["blocks.{i}.attn.q.bias", "blocks.{i}.attn.k.bias", "blocks.{i}.attn.v.bias"],
                to: ["blocks.{i}.attn.qkv.bias"], [.reshape("H d -> (H d)"), .concatenate(axis: 0, parts: 3)]),
        ]
            + ["blocks.{i}.norm1", "blocks.{i}.norm2", "norm"].flatMap { MappingRule.layer($0) }
            + ["blocks.{i}.attn.proj", "blocks.{i}.mlp.fc1", "blocks.{i}.mlp.fc2", "head"].flatMap {
                [
                    MappingRule(
                        NameTemplate(stringLiteral: $0 + ".kernel"),
                        to: NameTemplate(stringLiteral: $0 + ".weight"), .transpose([1, 0])),
                    MappingRule.same(NameTemplate(stringLiteral: $0 + ".bias")),
                ]
            })

    /// A scheme that the user names need be that of one side only.
    @Test(arguments: ["base.pth", "noise.safetensors"])
    func anotherLayoutIsTheSame(_ other: String) throws {
        let comparison = try Self.comparison("foreign.npz", other) {
            ($0.a.rules, $0.b.rules) = (Self.foreign, Self.foreign)
        }
        #expect(comparison.a.scheme == "foreign" && comparison.b.scheme == "timm")
        let plain = try Self.comparison("base.pth", other)
        #expect(comparison.isEqual == plain.isEqual && comparison.tensors.count == plain.tensors.count)
        for tensor in plain.tensors {
            let same = try #require(comparison.tensors.first { $0.name == tensor.name })
            #expect(same.status == tensor.status && same.measure == tensor.measure, "\(tensor.name)")
        }
    }

    /// What would resample, cast or make anew in a conversion.
    @Test func nothingIsChangedForIt() throws {
        let comparison = try Self.comparison("base.pth", "base.pth") {
            $0.b.imageSize = .init(24)
            $0.b.classes = 7
            $0.b.dtype = .bf16
        }
        #expect(comparison.tensors.allSatisfy { $0.status == .identical })
    }

    @Test func whatHasNoPlaceIsComparedByItsName() throws {
        let comparison = try Self.comparison("base.pth", "lacking.safetensors") { $0.b.heads = 2 }
        let extra = try #require(comparison.tensors.first { $0.name == "extra.scale" })
        #expect(extra.status == .missing && extra.a == nil && extra.b?.shape == [3])
        #expect(comparison.remarks.contains("B: no tensor makes blocks.2.norm1.weight"))
        #expect(
            comparison.remarks.contains(
                "B: without a place in the model, compared by the file's names: extra.scale"))
        let same = try Self.comparison("lacking.safetensors", "lacking.safetensors")
        #expect(same.tensors.contains { $0.name == "extra.scale" && $0.status == .identical })
    }

    @Test func somethingElseIsComparedByTheFilesNames() throws {
        let comparison = try Self.comparison("network.safetensors", "network_changed.safetensors")
        #expect(comparison.a.scheme == nil && comparison.a.model == nil)
        #expect(comparison.remarks.last == "tensors are compared by the names and layouts of the files")
        #expect(Set(comparison.blocks.map(\.name)) == ["conv1", "layer1.0", "layer1.1", "fc"])
    }

    @Test func nothingInCommonIsAnError() {
        #expect(throws: ToolkitError.self) { try Self.comparison("network.safetensors", "base.pth") }
        #expect(throws: ToolkitError.self) {
            try Self.comparison("base.pth", "base.pth") { $0.b.select = "nowhere" }
        }
    }

    @Test func blocksSumUp() throws {
        let comparison = try Self.comparison("base.pth", "noise.safetensors")
        #expect(
            comparison.blocks.map(\.name) == [
                "cls_token", "pos_embed", "patch_embed", "blocks.0", "blocks.1", "blocks.2", "norm", "head",
            ])
        let block = try #require(comparison.blocks.first { $0.name == "blocks.1" })
        let figures = block.tensors.compactMap(\.measure)
        #expect(block.tensors.count == 12 && !block.isEqual && figures.count == 12)
        #expect(block.maxAbsolute == figures.map(\.maxAbsolute).max())
        #expect(block.minCosine == figures.map(\.cosineSimilarity).min())
        #expect(comparison.blocks.filter(\.isEqual).count == 7)
    }

    @Test(arguments: [
        ("blocks.11.norm1.weight", "blocks.11"), ("cls_token", "cls_token"), ("head.weight", "head"),
        ("Transformer/encoderblock_1/x", "Transformer"), ("a.b.3", "a.b.3"), ("", ""), ("a..2.b", "a..2"),
    ])
    func aBlockEndsWithTheFirstNumber(_ name: String, _ block: String) {
        #expect(TensorDifference.block(of: name) == block)
    }

    @Test func theJSONHasItsShape() throws {
        let json = try Self.comparison("base.pth", "noise.safetensors") {
            ($0.a.heads, $0.b.heads) = (2, 4)
        }.json
        let counts = ["identical", "equalAfterCast", "withinTolerance", "resized", "changed", "missing"]
        #expect(
            json.members?.map(\.key) == ["a", "b", "equal", "allowCast", "tolerance"] + counts + [
                "tensors", "blocks", "configuration", "remarks",
            ])
        #expect(json["a"]?.members?.map(\.key) == ["file", "container", "scheme", "model", "dtype"])
        #expect(json["changed"]?.integer == 12 && json["identical"]?.integer == 32)
        let figures = [
            "maxAbsoluteDifference", "maxRelativeDifference", "meanAbsoluteDifference", "relativeChange",
            "cosineSimilarity",
            "nanMismatches", "infiniteMismatches",
        ]
        let keys = ["name", "block", "status", "equal", "a", "b", "differing"]
        let tensors = try #require(json["tensors"]?.array)
        #expect(tensors.first?.members?.map(\.key) == keys)
        #expect(tensors.first { $0["status"]?.string == "changed" }?.members?.map(\.key) == keys + figures)
        #expect(tensors.first?["a"]?.members?.map(\.key) == ["dtype", "shape", "sources"])
        let block = try #require(json["blocks"]?.array?.first { $0["name"]?.string == "blocks.1" })
        #expect(
            block.members?.map(\.key) == ["name", "tensors", "equal"] + counts + [
                "maxAbsoluteDifference", "minCosineSimilarity",
            ])
        #expect(
            json["configuration"]?.array == [
                .object(["key": .string("heads"), "a": .integer(2), "b": .integer(4)])
            ])
    }

    @Test func theTextFoldsWhatIsIdentical() throws {
        let lines = try Self.comparison("base.pth", "head.safetensors").description.split(separator: "\n")
        #expect(
            Array(lines.map(String.init).suffix(from: 3)) == [
                "cls_token      identical", "pos_embed      identical", "patch_embed    2 identical",
                "blocks.{0…2}   12 identical each", "norm           2 identical", "head           2 resized",
                "  head.weight  resized  F32 [5, 16] against F32 [7, 16]",
                "  head.bias    resized  F32 [5] against F32 [7]",
            ])
        #expect(lines.first == "DIFFERENT: 2 resized, 42 identical")
        let short = try Self.comparison("base.pth", "noise.safetensors").text(listsTensors: false)
        #expect(short.split(separator: "\n").count == 12)
        #expect(short.contains("blocks.1     12 changed  3.70e-02  0.99835571"))
    }

    @Test func aTensorThatCannotBeReadIsNamed() throws {
        let bytes = try Fixtures.bytes("compare/base.pth")
        let folder = try TemporaryFolder()
        let path = try folder.file("cut.pth", bytes)
        let checkpoint = try Checkpoint(path: path)
        truncate(path, 100)
        #expect {
            try compare(checkpoint, ComparedPair.file("base.pth"))
        } throws: { error in
            "\(error)".contains("cut.pth: cls_token: ")
        }
    }
}
