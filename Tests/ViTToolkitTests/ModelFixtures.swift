import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// A checkpoint of `Fixtures/models` or `Fixtures/schemes` and what its library says of it.
struct ModelFixture: Sendable, CustomTestStringConvertible {
    let folder: String
    let name: String
    let file: String
    let reference: String
    let select: String?
    /// Facts that shapes cannot tell, which the user gives.
    let given: Set<String>
    let configuration: JSONValue
    /// The naming scheme, where it is not timm's.
    let scheme: String
    /// Tensors that have no place in the model.
    let ignored: [String]

    var testDescription: String { name }
    var path: String { Fixtures.path(folder + file) }
    var referencePath: String { Fixtures.path(folder + reference) }

    static let all = load("models/") + schemes
    /// The forms of other libraries.
    static let schemes = ["torch", "jax", "keras", "keras2"].flatMap { load("schemes/\($0)/") }

    /// Canonical names, which are timm's: a plain model, a distilled one, one with pre-logits.
    static let ofTimmsNames = all.filter {
        ["plain", "deit_distilled", "prelogits_in21k"].contains($0.name)
    }

    private static func load(_ folder: String) -> [ModelFixture] {
        guard let bytes = try? Fixtures.bytes(folder + "index.json"), let json = try? JSONParser.parse(bytes)
        else {
            return []
        }
        return (json["models"]?.array ?? []).map { row in
            ModelFixture(
                folder: folder, name: row["name"]?.string ?? "", file: row["file"]?.string ?? "",
                reference: row["reference"]?.string ?? "", select: row["select"]?.string,
                given: Set((row["given"]?.array ?? []).compactMap(\.string)),
                configuration: row["configuration"] ?? .null, scheme: row["scheme"]?.string ?? "timm",
                ignored: (row["ignored"]?.array ?? []).compactMap(\.string))
        }
    }

    static func named(_ name: String) throws -> ModelFixture {
        try #require(all.first { $0.name == name })
    }

    var options: ModelOptions {
        var options = ModelOptions()
        options.select = select
        if given.contains("heads") { options.heads = configuration["heads"]?.integer }
        if given.contains("gelu") {
            options.gelu = configuration["gelu"]?.string.flatMap { ViTConfiguration.GELU(rawValue: $0) }
        }
        if given.contains("layerNormEpsilon") {
            options.layerNormEpsilon = configuration["layerNormEpsilon"]?.double
        }
        if given.contains("imageSize"), let size = configuration["imageSize"]?.array?.compactMap(\.integer) {
            options.imageSize = .init(height: size[0], width: size[1])
        }
        if given.contains("pool") {
            options.pooling = configuration["pool"]?.string.flatMap { ViTConfiguration.Pooling(rawValue: $0) }
        }
        return options
    }

    func prepared() throws -> PreparedModel {
        try PreparedModel(try Checkpoint(path: path), options: options)
    }
}
