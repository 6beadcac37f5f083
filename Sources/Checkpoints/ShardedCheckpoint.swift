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
        var places: [String: String] = [:]
        for member in map {
            guard let name = member.value.string, isPlainName(name) else {
                throw CheckpointError(
                    .damaged, "its shard \(member.value.compact) is no file beside the index",
                    part: member.key)
            }
            places[member.key] = name
        }
        // Flax's indices join the keys with slashes.
        let slashed = Dictionary(
            places.keys.sorted().map { (String($0.map { $0 == "/" ? "." : $0 }), $0) },
            uniquingKeysWith: { first, _ in first })
        var contents = CheckpointContents()
        var globals: Set<String> = []
        var files: [OpenFile] = []
        var container = Container.safetensorsIndex
        var extra = 0
        // Shards are numbered in the model's order, which the index itself, sorted by name, does not keep.
        for name in Set(places.values).sorted() {
            let file = try open(folder + name)
            let shard = try read(file)
            if shard.container != .safetensors && shard.container != .swt { container = shard.container }
            files.append(file)
            contents.globals += shard.contents.globals.filter { globals.insert($0).inserted }
            contents.others += shard.contents.others
            for tensor in shard.contents.tensors {
                let key =
                    shard.container == .msgpack ? slashed[tensor.name] ?? tensor.name : tensor.name
                if places[key] == name {
                    contents.tensors.append(tensor)
                    places[key] = nil
                } else {
                    extra += 1
                }
            }
        }
        if let (tensor, shard) = places.min(by: { $0.key < $1.key }) {
            throw CheckpointError(
                .damaged, "the index places it in \(shard), which does not hold it", part: tensor)
        }
        if extra > 0 {
            contents.remarks.append("\(extra) tensors in the shards are not in the index and are left out")
        }
        return Checkpoint(contents, path: indexPath, container: container, files: files)
    }

    /// A name without any way out of the folder. Told by bytes, as the system reads it: to Swift a slash and an
    /// accent are one letter.
    static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == 0x2F || $0 == 0 }
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
            let (container, contents) = try Checkpoint.readOrSurvey(ByteRegion(file))
            return (container, contents)
        } catch {
            throw CheckpointError(error, path: file.path)
        }
    }
}
