import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// A model of `torch.nn.Transformer` from `Fixtures/transformer`, and what torch says of it.
struct TransformerFixture: Sendable, CustomTestStringConvertible {
    let name: String
    let file: String
    let references: [String]
    let configuration: JSONValue

    var testDescription: String { name }
    var path: String { Fixtures.path("transformer/\(file)") }

    func reference(_ kind: String) -> String {
        Fixtures.path("transformer/\(name).\(kind).reference.safetensors")
    }

    static let all = load()

    private static func load() -> [TransformerFixture] {
        guard let bytes = try? Fixtures.bytes("transformer/index.json"),
            let json = try? JSONParser.parse(bytes)
        else { return [] }
        return (json["models"]?.array ?? []).map { row in
            TransformerFixture(
                name: row["name"]?.string ?? "", file: row["file"]?.string ?? "",
                references: (row["references"]?.array ?? []).compactMap(\.string),
                configuration: row["configuration"] ?? .null)
        }
    }

    static func named(_ name: String) throws -> TransformerFixture {
        try #require(all.first { $0.name == name })
    }

    /// What shapes cannot tell.
    var options: ModelOptions {
        var options = ModelOptions()
        options.heads = configuration["heads"]?.integer
        if configuration["normFirst"]?.bool == true { options.normFirst = true }
        if configuration["activation"]?.string == "gelu" { options.gelu = .exact }
        return options
    }

    func prepared() throws -> PreparedModel {
        try PreparedModel(try Checkpoint(path: path), options: options)
    }

    /// The checkpoint with other tensors.
    func changed(_ change: (inout [NamedTensor]) throws -> Void) throws -> Checkpoint {
        let checkpoint = try Checkpoint(path: path)
        var contents = CheckpointContents()
        contents.tensors = checkpoint.tensors
        try change(&contents.tensors)
        return Checkpoint(contents, path: "changed", container: checkpoint.container, files: [])
    }
}

extension [NamedTensor] {
    mutating func replace(_ name: String, _ change: (TensorView) throws -> TensorView) throws {
        let place = try #require(firstIndex { $0.name == name })
        self[place] = NamedTensor(name, try change(self[place].view))
    }
}
