import TensorCore

/// HDF5 files: every dataset of numbers by its path, without the leading slash.
///
/// Links are followed within the file only, and each group is entered once, under the first path that
/// leads to it. Groups keep the order of creation where the file tracks it, and the library's order of names
/// otherwise; what Keras 2 lists in `layer_names` and `weight_names` stands in the order of those lists.
enum HDF5Reader {
    /// A file that is plainly right is listed without libhdf5; it has the word on all others.
    static func read(_ region: ByteRegion) throws -> CheckpointContents {
        if let contents = try? list(HDF5PlainFile(region)) { return contents }
        return try list(HDF5Session(region))
    }

    static func list(_ source: any HDF5Source) throws -> CheckpointContents {
        var listing = HDF5Listing(of: source)
        try listing.visitRoot()
        return listing.finished()
    }

    /// A whole Keras 3 model (`.keras`): a zip archive with the weights as a stored HDF5 file.
    static func readKeras(_ archive: ZipArchive) throws -> CheckpointContents {
        guard let weights = archive[kerasWeights] else {
            throw CheckpointError(.damaged, "a whole Keras model without its \(kerasWeights)")
        }
        do {
            var contents = try read(try archive.contents(of: weights, limit: .max))
            for name in kerasTexts {
                guard let entry = archive[name] else { continue }
                let bytes = try archive.contents(of: entry, limit: 16 << 20).array()
                contents.metadata.append((name, String(decoding: bytes, as: UTF8.self)))
            }
            contents.remarks.append("a whole Keras model: the tensors are those of its \(kerasWeights)")
            return contents
        } catch {
            throw CheckpointError(error, part: kerasWeights)
        }
    }

    static func matchesKeras(_ archive: ZipArchive) -> Bool {
        archive["config.json"] != nil && archive["metadata.json"] != nil
    }

    private static let kerasWeights = "model.weights.h5"
    private static let kerasTexts = ["metadata.json", "config.json"]
}
