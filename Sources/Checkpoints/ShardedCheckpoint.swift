import TensorCore

/// A checkpoint in several files, as Hugging Face writes them: an index says which tensor stands in which.
enum ShardedCheckpoint {
    private static let largestIndex = 64 << 20

    static func read(indexPath: String) throws -> Checkpoint {
        let index = ByteRegion(try OpenFile(path: indexPath))
        guard index.count <= largestIndex else {
            throw CheckpointError(
                .unsupported, "an index of \(index.count) bytes; at most \(largestIndex) are read")
        }
        let json = try JSONParser.parse(try index.array())
        guard let map = json["weight_map"]?.members else {
            throw CheckpointError(.damaged, "the index has no \"weight_map\"")
        }
        let folder = indexPath.lastIndex(of: "/").map { String(indexPath[...$0]) } ?? ""
        var contents = CheckpointContents()
        var shards: [String: [String: TensorView]] = [:]
        var files: [OpenFile] = []
        var container = Container.safetensorsIndex
        for member in map {
            guard let name = member.value.string, isPlainName(name) else {
                throw CheckpointError(
                    .damaged, "its shard \(member.value.compact) is no file beside the index",
                    part: member.key)
            }
            if shards[name] == nil {
                let file = try open(folder + name)
                let shard = try read(file)
                if shard.container != .safetensors && shard.container != .swt { container = .torchIndex }
                files.append(file)
                contents.globals += shard.contents.globals.filter { !contents.globals.contains($0) }
                contents.others += shard.contents.others
                shards[name] = Dictionary(
                    shard.contents.tensors.map { ($0.name, $0.view) }, uniquingKeysWith: { first, _ in first }
                )
            }
            guard let view = shards[name]?[member.key] else {
                throw CheckpointError(
                    .damaged, "the index places it in \(name), which does not hold it", part: member.key)
            }
            contents.tensors.append(NamedTensor(member.key, view))
        }
        let extra = shards.values.reduce(0) { $0 + $1.count } - map.count
        if extra > 0 {
            contents.remarks.append("\(extra) tensors in the shards are not in the index and are left out")
        }
        return Checkpoint(contents, path: indexPath, container: container, files: files)
    }

    /// A name without any way out of the folder.
    private static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && !name.contains("/") && name != "." && name != ".." && !name.contains("\0")
    }

    private static func open(_ path: String) throws -> OpenFile {
        do {
            return try OpenFile(path: path)
        } catch {
            throw CheckpointError(error, path: path)
        }
    }

    private static func read(_ file: OpenFile) throws -> (container: Container, contents: CheckpointContents)
    {
        do {
            let (container, contents) = try Checkpoint.read(ByteRegion(file))
            return (container, contents)
        } catch {
            throw CheckpointError(error, path: file.path)
        }
    }
}
