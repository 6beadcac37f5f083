import TensorCore

extension Checkpoint {
    /// Opens a checkpoint: a file of any container that is read, an index of shards, or a folder with one.
    ///
    /// Only directories and headers are read; tensors stay in the file until asked for. What libhdf5 reads (packed
    /// values, and HDF5 files that are not plainly right), it reads in a child process (a `fork` of this one), which
    /// lives while packed tensors of the file do: a damaged file that crashes the library is an error like others.
    ///
    /// - Throws: `CheckpointError` that names the file, the place in it, what was expected and what was found.
    public init(path: String) throws(CheckpointError) {
        do {
            let path = try Self.resolved(path)
            if path.hasSuffix(".index.json") {
                self = try ShardedCheckpoint.read(indexPath: path)
                return
            }
            try self.init(file: try OpenFile(path: path))
        } catch {
            throw CheckpointError(error, path: path)
        }
    }

    /// Reads a checkpoint in a file that is open.
    package init(file: OpenFile) throws(CheckpointError) {
        do {
            let (container, contents) = try Self.readOrSurvey(ByteRegion(file))
            self.init(contents, path: file.path, container: container, files: [file])
        } catch {
            throw CheckpointError(error, path: file.path)
        }
    }

    /// Reads a checkpoint that is in memory.
    package init(bytes: ByteRegion, named path: String) throws(CheckpointError) {
        do {
            let (container, contents) = try Self.readOrSurvey(bytes)
            self.init(contents, path: path, container: container, files: [])
        } catch {
            throw CheckpointError(error, path: path)
        }
    }

    /// The contents, or an error that says what is missing of a file that ends too early.
    static func readOrSurvey(_ region: ByteRegion) throws -> (Container, CheckpointContents) {
        do {
            return try read(region)
        } catch {
            var failure = CheckpointError(error)
            guard failure.kind == .damaged || failure.kind == .unrecognized else { throw error }
            failure.truncation = TruncationSurvey.truncation(of: region)
            throw failure
        }
    }

    private static func read(_ region: ByteRegion) throws -> (Container, CheckpointContents) {
        let probe = try Probe(region)
        for format in CheckpointFormat.all where try format.matches(probe) { return try format.read(probe) }
        throw Refusal.reason(probe)
    }

    /// What a folder stands for: the checkpoint in it under one of the usual names.
    static func resolved(_ path: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return path }
        let names = [
            "model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json",
            "pytorch_model.bin", "flax_model.msgpack.index.json", "flax_model.msgpack",
            "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
        ]
        let folder = path.hasSuffix("/") ? path : path + "/"
        guard let name = names.first(where: { access(folder + $0, F_OK) == 0 }) else {
            throw CheckpointError(
                .inaccessible,
                "a folder without a checkpoint in it; looked for \(names.joined(separator: ", "))")
        }
        return folder + name
    }
}
