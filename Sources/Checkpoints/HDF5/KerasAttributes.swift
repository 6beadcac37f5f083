import TensorCore

/// What Keras says of its weights in attributes (keras/src/legacy/saving/legacy_h5_format.py,
/// keras/src/saving/saving_lib.py).
enum KerasAttributes {
    /// Texts of a whole saved model, on the root.
    static let texts = ["keras_version", "backend", "model_config", "training_config"]

    /// Lists of names, on groups.
    static let lists = ["weight_names", "layer_names"]
    /// With the first part of each, where it is split.
    static let listsAndFirstParts = lists.flatMap { [$0, $0 + "0"] }

    /// Puts the tensors below `group` that a list names, or whose layer it names, in the order of the list; others follow.
    static func sort(_ tensors: inout ArraySlice<NamedTensor>, by names: [String], below group: String) {
        let ranks = Dictionary(
            names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        let longest = names.reduce(0) { max($0, $1.utf8.count) }
        let prefix = group.isEmpty ? 0 : group.utf8.count + 1
        let ordered = tensors.enumerated().map { place, tensor in
            (
                rank: rank(of: tensor.name.utf8.dropFirst(prefix), in: ranks, upTo: longest), place: place,
                tensor: tensor
            )
        }
        for (index, item) in zip(
            tensors.indices, ordered.sorted { ($0.rank, $0.place) < ($1.rank, $1.place) })
        {
            tensors[index] = item.tensor
        }
    }

    private static let slash = UInt8(ascii: "/")

    /// The place in the list, whose names have `longest` bytes at most, of the path itself, or of the longest beginning
    /// of it that ends at a slash.
    private static func rank(of path: Substring.UTF8View, in ranks: [String: Int], upTo longest: Int) -> Int {
        var rest = Substring(path)
        while true {
            if rest.utf8.count <= longest, let rank = ranks[String(rest)] { return rank }
            guard let slash = rest.utf8.lastIndex(of: slash) else { return .max }
            rest = rest[..<slash]
        }
    }

    /// The path of a Keras 3 weight (`layers/dense_3/vars/0`) spelled with the names that the layers have in the model
    /// (`head/0`).
    ///
    /// - Parameter layers: the names by the path of the layer; the model's own, at the root, is left out.
    static func layerName(of path: String, among layers: [String: String]) -> String? {
        guard let vars = path.utf8.lastIndex(of: slash), path[..<vars].hasSuffix("/vars") else { return nil }
        var names: [String] = []
        let layer = path[..<vars].dropLast("/vars".count)
        for end in layer.utf8.indices.filter({ layer.utf8[$0] == slash }) + [layer.endIndex] {
            if let name = layers[String(layer[..<end])] { names.append(name) }
        }
        guard layers[String(layer)] != nil else { return nil }
        return (names + [String(path[path.index(after: vars)...])]).joined(separator: "/")
    }
}

// MARK: Writing

extension KerasAttributes {
    typealias Texts = (path: String, name: String, texts: [String])

    /// What Keras keeps below an HDF5 object header's limit of 64 KiB, with room for the header itself.
    private static let longestList = 64_512
    private static let topLevel = "top_level_model_weights"

    static func checkLegacyPaths(_ names: [String]) throws(CheckpointError) {
        for name in names where !name.contains("/") {
            throw CheckpointError(
                .unsupported, "expected a layer and a weight's name, LAYER/WEIGHT", part: name)
        }
    }

    /// The lists of names that a layout has, cut as Keras cuts them.
    static func lists(of names: [String], _ layout: HDF5Writer.Layout) -> [Texts] {
        guard case .legacy = layout else { return [] }
        var layers: [String] = []
        var weights: [String: [String]] = [:]
        for name in names {
            guard let layer = layer(of: name) else { continue }
            if weights[layer] == nil { layers.append(layer) }
            weights[layer, default: []].append(String(name.dropFirst(layer.count + 1)))
        }
        let named = split(layers.filter { $0 != topLevel }, name: "layer_names", at: "")
        return named + layers.flatMap { split(weights[$0] ?? [], name: "weight_names", at: $0) }
    }

    /// The layer of a weight: what its path begins with twice over, since Keras 2 puts the layer's name, which may
    /// hold slashes, before each of its weights' names; else the first part.
    private static func layer(of path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return nil }
        let count = (1...max(1, (parts.count - 1) / 2)).first {
            parts[..<$0] == parts[$0..<min(2 * $0, parts.count)]
        }
        return parts[..<(count ?? 1)].joined(separator: "/")
    }

    /// As numpy's `array_split`: into the smallest number of parts that fit, the longer ones first.
    private static func split(_ texts: [String], name: String, at path: String) -> [Texts] {
        guard !texts.isEmpty else { return [] }
        let width = texts.reduce(1) { max($0, $1.utf8.count) }
        let most = max(1, longestList / width)
        let parts = (texts.count + most - 1) / most
        guard parts > 1 else { return [(path, name, texts)] }
        var lists: [Texts] = []
        var rest = texts[...]
        for part in 0..<parts {
            let count = texts.count / parts + (part < texts.count % parts ? 1 : 0)
            lists.append((path, "\(name)\(part)", Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return lists
    }

    /// The single texts that a layout has.
    static func texts(
        _ tree: HDF5Tree, _ layout: HDF5Writer.Layout
    ) -> [(path: String, name: String, text: String)] {
        switch layout {
        case .plain: return []
        case .legacy(let backend, let version):
            return [("", "backend", backend), ("", "keras_version", version)]
        case .keras3(let names):
            return tree.groups.compactMap { group in
                guard group == "vars" || group.hasSuffix("/vars"),
                    let name = names[String(group.dropLast("/vars".count))]
                else { return nil }
                return (group, "name", name)
            }
        }
    }
}
