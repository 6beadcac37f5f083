/// A weight and its bias, told to belong together by their names.
struct DraftLayer: Hashable {
    var weight: DraftTensor
    var bias: DraftTensor?
    /// What both names share: all but the word that tells weight from bias.
    let stem: String
    /// Whether the bare order in the file made the pair.
    var isGuessed = false
    /// Whether its only tensor is called a bias.
    var isBiasAlone = false

    var shape: [Int] { weight.shape }
    var words: [String] { DraftTensor.words(of: stem) }

    /// A pair of vectors of one length: what a norm looks like.
    func isNorm(_ length: Int) -> Bool { shape == [length] && bias?.shape == [length] }

    /// Vectors of one length that nothing pairs, two by two in the order of the file: norms, where there are no
    /// others.
    static func pairs(_ layers: [DraftLayer], of length: Int) -> [DraftLayer] {
        let vectors = layers.filter { $0.shape == [length] && $0.bias == nil }
            .sorted { $0.weight.order < $1.weight.order }
        return stride(from: 0, to: vectors.count - 1, by: 2).map { place in
            DraftLayer(
                weight: vectors[place].weight, bias: vectors[place + 1].weight, stem: vectors[place].stem,
                isGuessed: true)
        }
    }

    private enum Role { case weight, bias, unknown }

    /// Words for what has no bias.
    private static let tokenWords: Set<String> = [
        "cls", "class", "token", "tokens", "pos", "position", "positions", "positional", "mask", "dist",
        "register",
        "registers", "reg",
    ]
    private static let weightWords: Set<String> = ["weight", "kernel", "w", "scale", "gamma", "g"]
    private static let biasWords: Set<String> = ["bias", "beta", "b"]

    /// Pairs weights with biases, by the word in which their names differ; else by the order in the file.
    static func layers(of tensors: [DraftTensor]) -> [DraftLayer] {
        var groups: [String: [(tensor: DraftTensor, role: Role)]] = [:]
        var stems: [String] = []
        for tensor in tensors.sorted(by: { $0.order < $1.order }) {
            let (stem, role) = split(tensor.pattern)
            if groups[stem] == nil { stems.append(stem) }
            groups[stem, default: []].append((tensor, role))
        }
        return stems.flatMap { stem in layers(of: groups[stem] ?? [], stem: stem) }
    }

    private static func layers(of group: [(tensor: DraftTensor, role: Role)], stem: String) -> [DraftLayer] {
        let weights = group.filter { $0.role == .weight }.map(\.tensor)
        let biases = group.filter { $0.role == .bias }.map(\.tensor)
        if weights.count == 1, biases.count == 1, group.count == 2 {
            return [DraftLayer(weight: weights[0], bias: biases[0], stem: stem)]
        }
        if group.count == 1 {
            return [
                DraftLayer(
                    weight: group[0].tensor, bias: nil, stem: stem, isBiasAlone: !biases.isEmpty)
            ]
        }
        return inOrder(group.map(\.tensor))
    }

    /// A matrix and the vector of one of its lengths beside it make a layer.
    private static func inOrder(_ group: [DraftTensor]) -> [DraftLayer] {
        let tokens = group.filter { $0.words.containsAny(of: tokenWords) }.map {
            DraftLayer(weight: $0, bias: nil, stem: $0.pattern)
        }
        let tensors = group.filter { !$0.words.containsAny(of: tokenWords) }
        let layers = inOrder(tensors, isBiasFirst: false)
        // Sorted names may put the biases first.
        return tokens
            + (layers.contains { $0.isGuessed } ? layers : inOrder(tensors, isBiasFirst: true))
    }

    private static func inOrder(_ tensors: [DraftTensor], isBiasFirst: Bool) -> [DraftLayer] {
        var layers: [DraftLayer] = []
        var place = 0
        while place < tensors.count {
            let first = tensors[place]
            place += 1
            if place < tensors.count {
                let (weight, bias) = isBiasFirst ? (tensors[place], first) : (first, tensors[place])
                if weight.shape.count > 1, bias.shape.count == 1, weight.shape.contains(bias.shape[0]) {
                    layers.append(
                        DraftLayer(weight: weight, bias: bias, stem: weight.pattern, isGuessed: true))
                    place += 1
                    continue
                }
            }
            layers.append(DraftLayer(weight: first, bias: nil, stem: first.pattern))
        }
        return layers
    }

    /// The name without its last word that means a weight or a bias; Keras 3 counts them in `vars` instead.
    private static func split(_ name: String) -> (stem: String, role: Role) {
        var pieces: [Substring] = []
        var start = name.startIndex
        for index in name.indices where name[index] == "." || name[index] == "/" || name[index] == "_" {
            pieces.append(name[start...index])
            start = name.index(after: index)
        }
        pieces.append(name[start...])
        for place in pieces.indices.reversed() {
            // Keras 2 puts ":0" behind each name.
            let word = pieces[place].split { "._/:".contains($0) }.first?.lowercased() ?? ""
            let role: Role
            if weightWords.contains(word) {
                role = .weight
            } else if biasWords.contains(word) {
                role = .bias
            } else if place > 0, place == pieces.count - 1, pieces[place - 1] == "vars/",
                word == "0" || word == "1"
            {
                role = word == "0" ? .weight : .bias
            } else {
                continue
            }
            return ((pieces[..<place] + pieces[(place + 1)...]).joined(), role)
        }
        let end = name.lastIndex { $0 == "." || $0 == "/" }
        return (end.map { String(name[...$0]) } ?? "", .unknown)
    }
}
