import Checkpoints
import TensorCore
import TestSupport
import Testing

@Suite struct ShardedTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func index(_ map: String) throws -> String {
        try folder.file("model.safetensors.index.json", Array("{\"weight_map\":{\(map)}}".utf8))
    }

    @Test func aFolderStandsForItsIndex() throws {
        let checkpoint = try Checkpoint(path: Fixtures.path("safetensors/sharded"))
        #expect(checkpoint.container == .safetensorsIndex && checkpoint.tensors.count == 9)
    }

    @Test(arguments: ["../secret.safetensors", "/etc/passwd", "..", "a/b", ""])
    func noShardLiesOutsideTheFolder(_ name: String) throws {
        let path = try index("\"w\":\"\(name)\"")
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(path: path) }
        #expect(error?.detail.contains("no file beside the index") == true)
    }

    @Test func aMissingShardAndAMissingTensorAreNamed() throws {
        let missing = try index("\"w\":\"one.safetensors\"")
        var error = #expect(throws: CheckpointError.self) { try Checkpoint(path: missing) }
        #expect(error?.path?.hasSuffix("one.safetensors") == true && error?.kind == .inaccessible)
        _ = try folder.file("one.safetensors", [2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D])
        error = #expect(throws: CheckpointError.self) { try Checkpoint(path: missing) }
        #expect(error?.part == "w" && error?.detail.contains("one.safetensors") == true)
    }
}
