import Checkpoints
import TensorCore

/// What the library that owns a format finds in a fixture: `NAME.golden.json` beside it.
package struct Golden: Sendable {
    package struct Row: Sendable, Equatable, CustomStringConvertible {
        package let name: String
        package let dtype: String
        package let shape: [Int]
        package let sha256: String

        package var description: String { "\(name) \(dtype) \(shape) \(sha256.prefix(8))" }
    }

    package let container: String
    package let tensors: [Row]
    package let others: [String]

    package init(_ fixture: String) throws {
        let json = try JSONParser.parse(try Fixtures.bytes(fixture + ".golden.json"))
        container = json["container"]?.string ?? ""
        tensors = (json["tensors"]?.array ?? []).map { row in
            Row(
                name: row["name"]?.string ?? "", dtype: row["dtype"]?.string ?? "",
                shape: (row["shape"]?.array ?? []).compactMap(\.integer), sha256: row["sha256"]?.string ?? "")
        }
        others = (json["others"]?.array ?? []).compactMap { $0["name"]?.string ?? $0.string }
    }

    /// What our reader finds, in the same terms.
    package static func rows(of checkpoint: Checkpoint) throws -> [Row] {
        try checkpoint.tensors.map { tensor in
            Row(
                name: tensor.name, dtype: tensor.view.dtype.rawValue, shape: tensor.view.shape.dimensions,
                sha256: try Digest.sha256(tensor.view))
        }
    }
}
