import TensorCore

extension SecurityReport {
    /// Looks through a file, a folder's checkpoint or the shards of an index for what would run code when loaded in
    /// Python, without doing any of it.
    ///
    /// What no reader takes is looked through as far as it can be read; ``problem`` says where that ended.
    ///
    /// - Parameters:
    ///   - path: as a checkpoint's; the address of a file on a web server, too.
    ///   - remote: how much of a file on a web server may be fetched.
    /// - Throws: `CheckpointError` when the file cannot be opened, or the system or a server does not give all that is to
    ///   be looked through.
    /// - Complexity: linear in the pickles and directories of the file; weights are not read.
    public init(path: String, remote: RemoteAccess = .ranges) throws(CheckpointError) {
        do {
            let path = try Checkpoint.resolved(path)
            guard WebAddress.shown(path).hasSuffix(".index.json") else {
                try self.init(file: try OpenFile.open(path, remote))
                return
            }
            var names: Set<String> = []
            _ = try ShardedCheckpoint.forEachPlace(in: ByteRegion(try OpenFile.open(path, remote))) {
                _, shard in
                if let name = shard.string { names.insert(name) }
            }
            let files = try names.filter(ShardedCheckpoint.isPlainName).sorted().map {
                try OpenFile.open(WebAddress.path(of: $0, beside: path), remote)
            }
            self = try Self.of(files, checkpoint: nil)
            if files.isEmpty { problem = "the index names no files beside it" }
        } catch {
            throw CheckpointError(error, path: WebAddress.shown(path))
        }
    }

    /// Looks through a file that is open.
    package init(file: OpenFile) throws(CheckpointError) {
        do {
            let isHDF5 = ((try? HDF5Superblock.offset(in: ByteRegion(file))) ?? nil) != nil
            self = try Self.of([file], checkpoint: isHDF5 ? Result { try Checkpoint(file: file) } : nil)
        } catch {
            throw CheckpointError(error, path: file.path)
        }
    }

    /// Looks through bytes in memory; of HDF5 only the container.
    package init(bytes: ByteRegion) {
        var scan = SecurityScan()
        do {
            try scan.visit(bytes)
        } catch {
            scan.problem(CheckpointError(error).description)
        }
        self = scan.finished()
    }

    /// - Parameter checkpoint: what was read of the one file, where that says what the bytes alone do not.
    private static func of(_ files: [OpenFile], checkpoint: Result<Checkpoint, any Error>?) throws
        -> SecurityReport
    {
        var scan = SecurityScan()
        for file in files {
            scan.label =
                files.count > 1 ? (file.path.split(separator: "/").last.map(String.init) ?? "") + ": " : ""
            do {
                try scan.visit(ByteRegion(file))
            } catch {
                scan.problem(CheckpointError(error).description)
            }
            // What was not given might be anything.
            if let failure = file.failure { throw CheckpointError(failure, path: file.path) }
        }
        switch checkpoint {
        case .success(let checkpoint): scan.visitHDF5(checkpoint)
        case .failure(let error): scan.problem(CheckpointError(error).detail)
        case nil: break
        }
        return scan.finished()
    }

    /// What a checkpoint that is open would do in Python.
    ///
    /// - Returns: nil when the checkpoint names nothing but what is on the closed list, which takes no time to tell.
    package init?(unlessPlain checkpoint: Checkpoint) throws {
        guard !checkpoint.isPlain else { return nil }
        do {
            self = try Self.of(checkpoint.files, checkpoint: .success(checkpoint))
        } catch {
            throw CheckpointError(error, path: checkpoint.path)
        }
    }
}

extension Checkpoint {
    /// Whether everything in it that Python would import is on the closed list, as far as it was read.
    fileprivate var isPlain: Bool {
        switch container {
        case .safetensors, .safetensorsIndex, .swt, .msgpack, .custom: return globals.isEmpty
        case .torchTar: return false  // its parts are pickles by themselves
        case .npz, .npy: return !others.contains { $0.type == "array" }
        case .hdf5: return !metadata.contains { $0.key == "model_config" || $0.key == "config.json" }
        case .torchZip, .torchLegacy, .torchScript: return globals.allSatisfy(GlobalJudge.known.contains)
        }
    }
}

extension SecurityScan {
    /// What libhdf5 tells of a file: the texts of a Keras model, and links that lead out of it.
    mutating func visitHDF5(_ checkpoint: Checkpoint) {
        guard checkpoint.container == .hdf5 else { return }
        for (key, value) in checkpoint.metadata where ["model_config", "training_config"].contains(key) {
            visitKeras(text: Array(value.utf8), named: key)
        }
        for entry in checkpoint.others where entry.type == "external link" {
            finding(.otherFile, "", "\(entry.name) links to \(entry.value ?? "another file")")
        }
    }
}
