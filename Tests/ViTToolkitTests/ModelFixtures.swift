import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// A checkpoint of `Fixtures/models` and what its library says of it.
struct ModelFixture: Sendable, CustomTestStringConvertible {
    let name: String
    let file: String
    let reference: String
    let select: String?
    /// Facts that shapes cannot tell, which the user gives.
    let given: Set<String>
    let configuration: JSONValue

    var testDescription: String { name }
    var path: String { Fixtures.path("models/" + file) }
    var referencePath: String { Fixtures.path("models/" + reference) }

    static let all: [ModelFixture] = {
        guard let bytes = try? Fixtures.bytes("models/index.json"), let json = try? JSONParser.parse(bytes)
        else {
            return []
        }
        return (json["models"]?.array ?? []).map { row in
            ModelFixture(
                name: row["name"]?.string ?? "", file: row["file"]?.string ?? "",
                reference: row["reference"]?.string ?? "", select: row["select"]?.string,
                given: Set((row["given"]?.array ?? []).compactMap(\.string)),
                configuration: row["configuration"] ?? .null)
        }
    }()

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
