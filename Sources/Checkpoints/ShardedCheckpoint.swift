import TensorCore

/// A checkpoint in several files, as Hugging Face writes them: an index says which tensor stands in which.
enum ShardedCheckpoint {
    private static let largestIndex = 64 << 20
    /// The most values beside the map itself.
    private static let mostFacts = 10_000

    static func read(indexPath: String, _ access: RemoteAccess) throws -> Checkpoint {
        let index = ByteRegion(try OpenFile.open(indexPath, access))
        var places = try Self.places(index)
        // Flax's indices join the keys with slashes.
        lazy var slashed = Dictionary(
            places.keys.sorted().map { (String($0.map { $0 == "/" ? "." : $0 }), $0) },
            uniquingKeysWith: { first, _ in first })
        var contents = CheckpointContents()
        var globals: Set<String> = []
        var files: [OpenFile] = []
        var container = Container.safetensorsIndex
        var extra = 0
        // Shards are numbered in the model's order, which the index itself, sorted by name, does not keep.
        for name in Set(places.values).sorted() {
            let file = try open(WebAddress.path(of: name, beside: indexPath), access)
            let shard = try read(file)
            if shard.container != .safetensors && shard.container != .swt { container = shard.container }
            files.append(file)
            contents.globals += shard.contents.globals.filter { globals.insert($0).inserted }
            for other in shard.contents.others { try contents.add(other) }
            for tensor in shard.contents.tensors {
                let key =
                    shard.container == .msgpack ? slashed[tensor.name] ?? tensor.name : tensor.name
                if places[key] == name {
                    try contents.add(tensor)
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
        return Checkpoint(contents, path: WebAddress.shown(indexPath), container: container, files: files)
    }

    /// Which tensor the index places in which shard.
    private static func places(_ index: ByteRegion) throws -> [String: String] {
        var places: [String: String] = [:]
        // One text for all tensors of a shard.
        var names: Set<String> = []
        let isIndex = try forEachPlace(in: index) { tensor, shard in
            guard let name = shard.string, isPlainName(name) else {
                throw CheckpointError(
                    .damaged, "its shard \(shard.compact) is no file beside the index", part: tensor)
            }
            places[tensor] = names.insert(name).memberAfterInsert
        }
        guard isIndex else { throw CheckpointError(.damaged, "the index has no \"weight_map\"") }
        return places
    }

    /// Hands each tensor's name and its place, as the index gives it, to `body`.
    ///
    /// - Returns: whether there is a map of them.
    static func forEachPlace(
        in index: ByteRegion, _ body: (_ tensor: String, _ shard: JSONValue) throws -> Void
    ) throws -> Bool {
        guard index.count <= largestIndex else {
            throw CheckpointError(
                .unsupported, "an index of \(index.count) bytes; at most \(largestIndex) are read")
        }
        return try JSONParser.read(index) { parser in
            var hasMap = false
            parser.valuesLeft = mostFacts
            guard parser.isAtObject else {
                _ = try parser.value()
                return false
            }
            var keys = try parser.object()
            while let key = try parser.nextKey(&keys) {
                guard key == "weight_map", parser.isAtObject else {
                    _ = try parser.value()
                    continue
                }
                hasMap = true
                var tensors = try parser.object()
                while let tensor = try parser.nextKey(&tensors) {
                    parser.valuesLeft = mostFacts
                    try body(tensor, try parser.value())
                }
            }
            return hasMap
        }
    }

    /// A name without any way out of the folder. Told by bytes, as the system reads it: to Swift a slash and an
    /// accent are one letter.
    static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == 0x2F || $0 == 0 }
    }

    private static func open(_ path: String, _ access: RemoteAccess) throws -> OpenFile {
        do {
            return try OpenFile.open(path, access)
        } catch {
            throw CheckpointError(error, path: WebAddress.shown(path))
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
