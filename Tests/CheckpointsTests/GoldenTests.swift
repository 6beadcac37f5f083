import Checkpoints
import TensorCore
import TestSupport
import Testing

/// Every container fixture, tensor by tensor, against what the library that owns the format reads from it.
@Suite struct GoldenTests {
    static let folders = [
        "torch", "torch/sharded", "numpy", "safetensors", "safetensors/sharded", "msgpack", "msgpack/sharded",
        "hdf5",
    ]
    static let fixtures = folders.flatMap { folder in
        Fixtures.list(folder, suffix: ".golden.json").map { String($0.dropLast(".golden.json".count)) }
    }

    @Test func fixturesAreThere() {
        #expect(Self.fixtures.count > 85)
    }

    @Test(arguments: fixtures)
    func reads(_ fixture: String) throws {
        let golden = try Golden(fixture)
        let checkpoint = try Checkpoint(path: Fixtures.path(fixture))
        #expect(checkpoint.container.rawValue == golden.container)
        // A type that packs several elements into a byte is listed, but not as a tensor.
        let packed = golden.tensors.filter { DType(rawValue: $0.dtype) == nil }
        var rows = try Golden.rows(of: checkpoint)
        var expected = golden.tensors.filter { DType(rawValue: $0.dtype) != nil }
        if fixture.hasSuffix(".index.json") {
            // An index is sorted by name, and so are the shards that safetensors writes.
            rows.sort { $0.name < $1.name }
            expected.sort { $0.name < $1.name }
        }
        #expect(rows.map(\.name) == expected.map(\.name))
        for (row, expected) in zip(rows, expected) { #expect(row == expected) }
        for name in golden.others + packed.map(\.name) {
            #expect(checkpoint.others.contains { $0.name == name }, "\(name) is not listed among the others")
        }
    }
}
