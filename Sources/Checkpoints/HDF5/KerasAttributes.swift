import TensorCore

/// What Keras says of its weights in attributes (keras/src/legacy/saving/legacy_h5_format.py,
/// keras/src/saving/saving_lib.py).
enum KerasAttributes {
    /// Texts of a whole saved model, on the root.
    static let texts = ["keras_version", "backend", "model_config", "training_config"]

    /// Puts the tensors below `group` that a list names, or whose layer it names, in the order of the list; others follow.
    static func sort(_ tensors: inout ArraySlice<NamedTensor>, by names: [String], below group: String) {
        let ranks = Dictionary(
            names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        let prefix = group.isEmpty ? 0 : group.utf8.count + 1
        let ordered = tensors.enumerated().map { place, tensor in
            (rank: rank(of: tensor.name.utf8.dropFirst(prefix), in: ranks), place: place, tensor: tensor)
        }
        for (index, item) in zip(
            tensors.indices, ordered.sorted { ($0.rank, $0.place) < ($1.rank, $1.place) })
        {
            tensors[index] = item.tensor
        }
    }

    /// The place in the list of the path itself, or of the longest beginning of it that ends at a slash.
    private static func rank(of path: Substring.UTF8View, in ranks: [String: Int]) -> Int {
        var rest = Substring(path)
        while true {
            if let rank = ranks[String(rest)] { return rank }
            guard let slash = rest.lastIndex(of: "/") else { return .max }
            rest = rest[..<slash]
        }
    }

    /// The path of a Keras 3 weight (`layers/dense_3/vars/0`) spelled with the names that the layers have in the model
    /// (`head/0`).
    ///
    /// - Parameter layers: the names by the path of the layer; the model's own, at the root, is left out.
    static func layerName(of path: String, among layers: [String: String]) -> String? {
        guard let vars = path.lastIndex(of: "/"), path[..<vars].hasSuffix("/vars") else { return nil }
        var names: [String] = []
        let layer = path[..<vars].dropLast("/vars".count)
        for end in layer.indices.filter({ layer[$0] == "/" }) + [layer.endIndex] {
            if let name = layers[String(layer[..<end])] { names.append(name) }
        }
        guard layers[String(layer)] != nil else { return nil }
        return (names + [String(path[path.index(after: vars)...])]).joined(separator: "/")
    }
}
