import TensorCore

extension Checkpoint {
    /// Opens a checkpoint: a file of any container that is read, an index of shards, or a folder with one.
    ///
    /// Only directories and headers are read; tensors stay in the file until asked for. What libhdf5 reads (packed
    /// values, and HDF5 files that are not plainly right), it reads in a child process (a `fork` of this one), which
    /// lives while packed tensors of the file do: a damaged file that crashes the library is an error like others.
    ///
    /// A path that begins with `https://` or `http://` is the address of a file on a web server; no other reaches the
    /// network, nor does anything that a file says. What is read of it is fetched then, each range once, into a
    /// temporary file without a name: to open a checkpoint takes its directory, to read a tensor that tensor's bytes.
    /// ``fetch()`` has all of it fetched.
    ///
    /// - Parameters:
    ///   - path: a file, an index of shards, or a folder with one; or the address of a file or an index.
    ///   - remote: how much of a file on a web server may be fetched.
    /// - Throws: `CheckpointError` that names the file, the place in it, what was expected and what was found.
    public init(path: String, remote: RemoteAccess = .ranges) throws(CheckpointError) {
        do {
            let path = try Self.resolved(path)
            if WebAddress.shown(path).hasSuffix(".index.json") {
                self = try ShardedCheckpoint.read(indexPath: path, remote)
                return
            }
            try self.init(file: try OpenFile.open(path, remote))
        } catch {
            throw CheckpointError(error, path: WebAddress.shown(path))
        }
    }

    /// Has all that is still on a web server fetched: what is read from then on, is here.
    ///
    /// - Throws: `CheckpointError` when the server does not give it, or the disk is full.
    public func fetch() throws(CheckpointError) {
        for file in files {
            do throws(ByteError) { try file.fetch() } catch {
                throw CheckpointError(error, path: file.path)
            }
        }
    }

    /// Opens a file of a container that is not among those known, with a reader of the caller's own.
    ///
    /// Tensors that are slices of the file stay in it until asked for, as with the containers that are known.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - read: finds the tensors in the file's bytes, in the order of the file.
    /// - Throws: `CheckpointError` when the file cannot be opened; whatever `read` throws, told as damage to this file.
    public init(
        path: String, reading read: (ByteRegion) throws -> [NamedTensor]
    ) throws(CheckpointError) {
        do {
            let file = try OpenFile(path: path)
            var contents = CheckpointContents()
            contents.tensors = try read(ByteRegion(file))
            self.init(contents, path: path, container: .custom, files: [file])
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
            let contents = try read(region)
            if let failure = region.readFailure { throw failure }
            return contents
        } catch {
            // Whatever a reader made of it.
            if let failure = region.readFailure { throw failure }
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
        guard WebAddress(path) == nil, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return path
        }
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
