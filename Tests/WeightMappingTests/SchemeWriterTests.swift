import TensorCore
import Testing

@testable import WeightMapping

/// A table read from right to left gives what it was read from.
struct SchemeWriterTests {
    /// A scheme with everything that a table can say: a part of a block is one tensor over all blocks, another
    /// is three, a layout needs the heads, the head stands outside and is counted as Keras counts.
    private static let scheme = NamingScheme(
        name: "sample", title: "", fingerprint: ["embed/kernel"],
        rules: [
            MappingRule("cls", to: "cls_token"), MappingRule("pos", to: "pos_embed"),
            MappingRule("embed/kernel", to: "patch_embed.proj.weight", .transpose([3, 2, 0, 1])),
            MappingRule("embed/bias", to: "patch_embed.proj.bias"),
            MappingRule(
                ["block_{i}/q/kernel", "block_{i}/k/kernel", "block_{i}/v/kernel"],
                to: ["blocks.{i}.attn.qkv.weight"],
                [.reshape("D H d -> D (H d)"), .transpose([1, 0]), .concatenate(axis: 0, parts: 3)]),
            MappingRule("qkv_bias", to: "blocks.{i}.attn.qkv.bias", .select(axis: 0)),
            MappingRule("block_{i}/out/kernel", to: "blocks.{i}.attn.proj.weight", .transpose([1, 0])),
            MappingRule("block_{i}/out/bias", to: "blocks.{i}.attn.proj.bias"),
        ]
            + ["norm1", "norm2", "mlp.fc1", "mlp.fc2"].flatMap {
                MappingRule.layer("block_{i}/\($0)", to: "blocks.{i}.\($0)")
            } + MappingRule.layer("norm"),
        outsideHead: MappingRule.layer(
            "dense", to: "pre_logits.fc", where: .with("dense_1.weight", .parameter("pre_logits.fc.weight")))
            + MappingRule.layer(
                "dense_1", to: "head",
                where: .with("dense_1.weight", .parameter("pre_logits.fc.weight")))
            + MappingRule.layer(
                "dense", to: "head", where: .without("dense_1.weight", .parameter("pre_logits.fc.weight"))),
        prefix: "model/", headlessPrefix: "")

    private func write(
        _ parameters: [NamedTensor], _ lengths: [String: Int] = ["H": 2]
    ) throws -> [NamedTensor] {
        try SchemeWriter.write(parameters, in: Self.scheme, lengths: lengths)
    }

    private func preLogits() throws -> [NamedTensor] {
        [
            NamedTensor("pre_logits.fc.weight", try Samples.counting([8, 8], from: 7000)),
            NamedTensor("pre_logits.fc.bias", try Samples.counting([8], from: 8000)),
        ]
    }

    @Test(arguments: [0, 5], [false, true])
    func whatIsWrittenReadsBackAsItWas(classes: Int, hasPreLogits: Bool) throws {
        let parameters =
            try Samples.checkpoint(classes: classes) + (hasPreLogits && classes > 0 ? preLogits() : [])
        let written = try write(parameters)
        let model = try Mapper.map(written, schemes: [Self.scheme])
        #expect(model.path == (classes > 0 ? "model" : ""))
        #expect(model.lengths["H"] == 2)
        let expected = parameters.map { ($0.name, $0.view.shape) }
        for (proven, parameter) in zip(try model.prove(expected), parameters) {
            #expect(proven.name == parameter.name)
            #expect(try proven.view.floats() == parameter.view.floats(), "\(parameter.name)")
        }
        // And once more, from what was read: names, shapes and values.
        let again = try write(try model.prove(expected).map { NamedTensor($0.name, $0.view) })
        #expect(again.map(\.name) == written.map(\.name))
        #expect(again.map(\.view.shape) == written.map(\.view.shape))
        for (one, other) in zip(again, written) { #expect(try one.view.floats() == other.view.floats()) }
    }

    @Test func namesAndLayoutsAreTheSchemesOwn() throws {
        let written = try write(try Samples.checkpoint() + preLogits())
        let shapes = Dictionary(uniqueKeysWithValues: written.map { ($0.name, $0.view.shape.dimensions) })
        #expect(shapes["model/embed/kernel"] == [4, 4, 3, 8])
        #expect(shapes["model/block_1/q/kernel"] == [8, 2, 4])
        #expect(shapes["model/qkv_bias"] == [2, 24])
        #expect(shapes["dense.weight"] == [8, 8])
        #expect(shapes["dense_1.weight"] == [5, 8])
        #expect(written.first?.name == "model/cls")
        let weight = try #require(written.first { $0.name == "model/block_0/k/kernel" })
        let source = try #require(try Samples.checkpoint().first { $0.name == "blocks.0.attn.qkv.weight" })
        #expect(try weight.view.floats()[0] == source.view.floats()[8 * 8])
        #expect(try weight.view.floats()[1] == source.view.floats()[9 * 8])
        #expect(try write(try Samples.checkpoint()).contains { $0.name == "dense.weight" })
    }

    @Test func aParameterWithoutAPlaceIsNamed() throws {
        let extra = [
            NamedTensor("reg_token", try Samples.counting([1, 4, 8])),
            NamedTensor("blocks.0.ls1.gamma", try Samples.counting([8])),
            NamedTensor("blocks.1.ls1.gamma", try Samples.counting([8])),
        ]
        let error = #expect(throws: MappingError.self) { try write(try Samples.checkpoint() + extra) }
        let text = try #require(error).description
        #expect(text.contains("the scheme sample"))
        #expect(text.contains("reg_token, blocks.{0,1}.ls1.gamma"))
    }

    @Test func aLayoutThatDoesNotFitIsAnError() throws {
        let error = #expect(throws: MappingError.self) { try write(try Samples.checkpoint(), ["H": 3]) }
        #expect(try #require(error).description.contains("blocks.0.attn.qkv.weight"))
    }

    @Test func dotsAndSlashesAreTheSameToATable() throws {
        let written = try write(try Samples.checkpoint())
        for separator in [".", "/"] {
            let renamed = written.map { tensor in
                NamedTensor(
                    String(tensor.name.map { $0 == "/" || $0 == "." ? Character(separator) : $0 }),
                    tensor.view)
            }
            let model = try Mapper.map(renamed, schemes: [Self.scheme])
            #expect(try model.prove(Samples.expected()).count == Samples.shapes().count)
            #expect(model.tensors.first?.sources == ["model\(separator)cls"])
        }
    }
}
