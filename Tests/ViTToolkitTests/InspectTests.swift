import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

@Suite struct InspectTests {
    @Test func theJSONHasItsShape() throws {
        var options = InspectionOptions()
        options.computesDigests = true
        options.computesStatistics = true
        let json = try inspect(try Checkpoint(path: Fixtures.path("models/vit_demo.pth")), options: options)
            .json
        #expect(
            json.members?.map(\.key) == [
                "file", "container", "byteCount", "sha256", "scheme", "model", "configuration", "remarks",
                "tensors",
                "others", "globals", "findings",
            ])
        #expect(json["container"]?.string == "torch-zip")
        let tensor = try #require(json["tensors"]?.array?.first)
        #expect(
            tensor.members?.map(\.key) == ["name", "dtype", "shape", "byteCount", "sha256", "statistics"])
        #expect(
            tensor["statistics"]?.members?.map(\.key) == [
                "min", "max", "mean", "std", "nanCount", "infCount", "zeroCount",
            ])
        #expect(json["globals"]?.array?.isEmpty == false)
    }

    /// numpy: a.min(), a.max(), a.mean(), a.std() of [[-1.5, 0, 2], [0.25, 8, -3]], NaN and Inf set apart.
    @Test func statisticsAreNumPys() throws {
        let values: [Float] = [-1.5, 0, 2, 0.25, 8, -3, .nan, .infinity]
        let bytes = values.withUnsafeBytes { ByteRegion([UInt8]($0)) }
        let view = try TensorView(storage: .bytes(bytes, .little), dtype: .f32, shape: Shape([8]))
        let statistics = try TensorStatistics(view)
        #expect(statistics.minimum == -3 && statistics.maximum == 8)
        #expect(abs(statistics.mean - 0.9583333333333334) < 1e-12)
        #expect(abs(statistics.standardDeviation - 3.507185085253161) < 1e-12)
        #expect(statistics.notANumberCount == 1 && statistics.infiniteCount == 1 && statistics.zeroCount == 1)
    }

    @Test func theFilterIsAShellPattern() throws {
        var options = InspectionOptions()
        options.filter = "blocks.*.attn.qkv.*"
        let inspection = try inspect(
            try Checkpoint(path: Fixtures.path("models/vit_demo.pth")), options: options)
        #expect(inspection.entries.count == 4)
    }

    @Test func blocksThatAreAlikeStandOnce() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("models/vit_demo.pth"))
        let lines = KeyTree(checkpoint.tensors).lines
        #expect(lines.contains("  {0…1}"))
        #expect(lines.filter { $0.contains("qkv") }.count == 1)
        #expect(lines.contains("cls_token  F32 [1, 1, 128]"))
    }

    @Test(arguments: [
        ("vit-c867db91.pth", Inspection.NameCheck.matches("c867db91")),
        ("a/b-c-c867db91.safetensors", .matches("c867db91")), ("vit-e5005f0a.pth", .differs("e5005f0a")),
        ("vit-base.pth", nil), ("vit_c867db91.pth", nil), ("vit-c867.pth", nil),
    ])
    func theNameIsHeldAgainstTheDigest(_ name: String, _ expected: Inspection.NameCheck?) {
        #expect(
            Inspection.nameCheck(path: name, sha256: "c867db91" + String(repeating: "0", count: 56))
                == expected)
    }

    @Test func somethingElseIsNoError() throws {
        let inspection = try inspect(try Checkpoint(path: Fixtures.path("torch/module.pth")))
        #expect(inspection.model == nil && inspection.modelProblem != nil)
        #expect(!inspection.entries.isEmpty)
    }

    @Test func theSchemeIsToldWhereTheHeadsAreNot() throws {
        let inspection = try inspect(try Checkpoint(path: Fixtures.path("schemes/torch/torchvision.pth")))
        #expect(inspection.model == nil)
        #expect(inspection.scheme == "torchvision")
        #expect(inspection.json["scheme"] == .string("torchvision"))
        #expect(try #require(inspection.modelProblem).contains("--heads"))
    }

    /// Keras 3 counts layers in paths; what they are called stands in attributes, and in the JSON beside the path.
    @Test func kerassLayersAreCalledByTheirNames() throws {
        let inspection = try inspect(try Checkpoint(path: Fixtures.path("hdf5/keras_3.weights.h5")))
        let golden = try JSONParser.parse(try Fixtures.bytes("hdf5/keras_3.weights.h5.golden.json"))
        let layers = try #require(golden["layers"]?.members)
        #expect(!layers.isEmpty)
        let tensors = inspection.json["tensors"]?.array ?? []
        for layer in layers {
            #expect(
                tensors.first { $0["name"]?.string == layer.key }?["layer"] == layer.value, "\(layer.key)")
        }
    }
}
