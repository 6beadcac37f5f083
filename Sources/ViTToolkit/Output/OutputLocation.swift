import Checkpoints
import TensorCore
import WeightMapping

/// Where a model goes: into one file, or into a folder as transformers publishes models, with a `config.json`.
package struct OutputLocation {
    /// A small file beside the tensors.
    package struct Sidecar {
        let name: String
        let json: JSONValue
    }

    /// The file of tensors.
    let path: String
    let format: OutputFormat
    /// The folder that the name stands for; nil for a file.
    private let folder: String?
    /// Whether what is written is a whole model for transformers.
    let isModelFolder: Bool
    /// The descriptor to which the file goes in place of a name.
    private let stream: Int32?

    /// - Parameter output: a file's name, or in the names of transformers also a folder's: one that is there, or
    ///   a name without an ending.
    /// - Throws: `ToolkitError.unknownOutput`; `CheckpointError` for a folder where a file is needed.
    init(_ output: String, _ form: OutputForm) throws {
        stream = form.stream
        guard form.stream == nil else {
            path = output
            format = form.format ?? .swt
            folder = nil
            isModelFolder = false
            return
        }
        guard WebAddress(output) == nil else {
            throw ToolkitError.usage(
                "\(WebAddress.shown(output)): only files here are written; a server gets one so: vit-convert IN - | "
                    + "curl -T - URL")
        }
        let isFolder = output.hasSuffix("/") || Self.isFolder(output)
        let name = output.split(separator: "/").last ?? ""
        let isOfTransformers = try form.chosenScheme.map { HuggingFaceConfiguration.knows($0.name) } ?? false
        if isOfTransformers, isFolder || form.format == nil && !name.contains(".") {
            let folder = String(output.reversed().drop { $0 == "/" }.reversed())
            self.folder = folder.isEmpty ? "/" : folder
            path = folder + "/model.safetensors"
            format = .safetensors
            isModelFolder = true
            return
        }
        guard !isFolder else {
            throw CheckpointError(
                .inaccessible,
                "is a folder: name a file in it (only the names of transformers make up a folder)",
                path: output)
        }
        format = try form.format ?? OutputFormat(path: output)
        path = output
        folder = nil
        isModelFolder = isOfTransformers && ["model.safetensors", "pytorch_model.bin"].contains(name)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The folder in which the file stands, with its separator.
    private var surroundings: String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// Refuses to write over the input, or beside it where it is a folder of several files, or a configuration
    /// that belongs to other weights.
    ///
    /// - Parameter others: the paths of other files that are read.
    func prove(isNotPartOf checkpoint: Checkpoint, _ sidecars: [Sidecar], others: [String] = []) throws {
        guard stream == nil else { return }
        let read = Set(
            checkpoint.files.map(\.identity) + others.compactMap { try? OpenFile(path: $0).identity })
        for path in [path] + sidecars.map({ surroundings + $0.name }) {
            guard let existing = try? OpenFile(path: path) else { continue }
            if read.contains(existing.identity) { throw ToolkitError.outputIsInput(path) }
        }
        var status = stat()
        guard stat(path, &status) != 0 else { return }
        for sidecar in sidecars where stat(surroundings + sidecar.name, &status) == 0 {
            throw CheckpointError(
                .inaccessible, "belongs to a model in another file; write to a folder of its own",
                path: surroundings + sidecar.name)
        }
    }

    /// Runs `write` with a new file for the tensors, then puts that and the sidecars in place, all of them or none.
    func write<Result>(_ sidecars: [Sidecar], _ write: (AtomicFile) throws -> Result) throws -> Result {
        if let stream {
            let file = try AtomicFile(sendingTo: stream, named: path)
            let result = try write(file)
            try file.commit()
            return result
        }
        if let folder { AtomicFile.removeStale(besideFolder: folder) }
        let newFolder = folder.flatMap { Self.isFolder($0) ? nil : $0 }
        let file = try AtomicFile(replacing: path, newFolder: newFolder)
        let result = try write(file)
        let others = try sidecars.map { sidecar in
            let other = try AtomicFile(replacing: surroundings + sidecar.name, newFolder: newFolder)
            try other.write(Array((sidecar.json.pretty + "\n").utf8))
            return other
        }
        // The tensors first: a configuration without them would be taken for another model's.
        try AtomicFile.commit([file] + others, newFolder: newFolder)
        return result
    }
}
