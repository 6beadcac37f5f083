import TensorCore

/// What the tensors of one block are.
struct DraftBlock {
    typealias Rows = [RulesDraft.Row]

    let width: Int
    /// Whether matrices are stored as `[in, out]`: as told, or guessed from the words for a weight.
    let isTransposed: Bool
    private let isOrientationKnown: Bool
    var layers: [DraftLayer]

    /// Rows for queries, keys, values and output, in this order; nil when there are none.
    private(set) var attention: Rows?
    private(set) var mlp: Rows?
    private(set) var norms: Rows = []
    private(set) var others: Rows = []
    var attentionLayer: DraftLayer?
    private var mlpLayer: DraftLayer?
    var fusedNote: String?

    init(_ layers: [DraftLayer], width: Int, isTransposed: Bool?) {
        self.layers = layers
        self.width = width
        isOrientationKnown = isTransposed != nil
        self.isTransposed = isTransposed ?? layers.contains { $0.weight.words.contains("kernel") }
        takeMLPPair()
        attention = takeHeads() ?? takeFused() ?? takeSquares()
        mlp = mlp ?? takeSquareMLP()
        takeNorms()
        takeOthers()
    }

    mutating func take(_ taken: [DraftLayer]) {
        let taken = Set(taken)
        layers.removeAll { taken.contains($0) }
    }

    var squareNote: String? {
        isOrientationKnown
            ? nil : "no shape tells whether this matrix has to be transposed"
    }

    /// Words for queries, keys, values and output.
    static let words: [Set<String>] = [
        ["q", "query", "queries", "wq", "toq"], ["k", "key", "keys", "wk", "tok"],
        ["v", "value", "values", "wv", "tov"],
        ["o", "out", "output", "proj", "projection", "dense", "wo", "combine"],
    ]

    /// How much a matrix looks like the attention's by its words.
    func likeness(_ layer: DraftLayer) -> Int {
        layer.words.containsAny(of: ["qkv", "attn", "attention", "in", "att", "msa", "mha"]) ? 1 : 0
    }

    // MARK: MLP

    /// Matrices between the width and another length, which nothing in the attention is.
    private mutating func takeMLPPair() {
        let width = width
        let matrices = layers.filter {
            $0.shape.count == 2 && $0.shape.contains(width) && $0.shape[0] != $0.shape[1]
        }
        let isFusedThere =
            layers.filter { $0.shape == [width, width] }.count < 4
            && !layers.contains { $0.shape.count >= 3 }
        // The fused matrix is three times as wide as it is high; an MLP's may be, too.
        let fused =
            isFusedThere
            ? matrices.filter { $0.shape == [3 * width, width] || $0.shape == [width, 3 * width] } : []
        let square = layers.first { $0.shape == [width, width] }
        let attention = fused.max { a, b in
            (likeness(a), a.kinship(with: square)) < (likeness(b), b.kinship(with: square))
        }
        if fused.count > 1 {
            fusedNote = "another matrix of the block has this shape, too: look which is which"
        }
        let rest = matrices.filter { $0 != attention }
        let (wide, narrow) = (rest.filter(leads), rest.filter { !leads($0) })
        guard !wide.isEmpty, !narrow.isEmpty else { return }
        if rest.count == 2 {
            setMLP([wide[0]], narrow[0], note: nil)
            return
        }
        guard rest.count == 3 else { return }
        let (inner, output) = wide.count == 2 ? (wide, narrow[0]) : (narrow, wide[0])
        let gates = inner.filter { $0.words.containsAny(of: ["gate", "g", "fc1g"]) }
        let ordered =
            gates.count == 1
            ? gates + inner.filter { $0 != gates[0] }
            : DraftOrder.byNumbers(inner) ?? DraftOrder.byFile(inner)
        setMLP(
            ordered, output, note: gates.count == 1 ? nil : "which of both is the gate is told by their order"
        )
    }

    /// Whether a matrix leads from the width to the inner length.
    private func leads(_ layer: DraftLayer) -> Bool {
        if let out = layer.bias?.shape, out.count == 1 { return out[0] != width }
        return (layer.shape[0] == width) == isTransposed
    }

    private mutating func setMLP(_ inner: [DraftLayer], _ output: DraftLayer, note: String?) {
        take(inner + [output])
        mlpLayer = inner[0]
        let isTransposed = inner[0].shape[0] == width
        let targets = inner.count == 1 ? ["fc1"] : ["fc1_g", "fc1_x"]
        let doubt = note ?? (isOrientationKnown ? nil : "no shape tells which matrix comes first")
        mlp =
            zip(inner, targets).flatMap {
                $0.linear(to: "blocks.{i}.mlp.\($1)", isTransposed: isTransposed, note: doubt)
            } + output.linear(to: "blocks.{i}.mlp.fc2", isTransposed: isTransposed, note: doubt)
    }

    /// An MLP as narrow as the model: what is left of square matrices.
    private mutating func takeSquareMLP() -> Rows? {
        let width = width
        let squares = DraftOrder.byFile(layers.filter { $0.shape == [width, width] })
        guard squares.count == 2 else { return nil }
        take(squares)
        mlpLayer = squares[0]
        let ordered = DraftOrder.byNumbers(squares) ?? squares
        let note = "square matrices, told by their order"
        return ordered[0].linear(to: "blocks.{i}.mlp.fc1", isTransposed: isTransposed, note: note)
            + ordered[1].linear(to: "blocks.{i}.mlp.fc2", isTransposed: isTransposed, note: note)
    }

    // MARK: Norms and factors

    /// Puts the one that belongs to the attention first.
    private func byBranch(_ pair: [DraftLayer]) -> ([DraftLayer], note: String?) {
        let leanings = pair.map { $0.kinship(with: attentionLayer) - $0.kinship(with: mlpLayer) }
        if leanings[0] != leanings[1] { return (leanings[0] > leanings[1] ? pair : pair.reversed(), nil) }
        if let sorted = DraftOrder.byNumbers(pair) { return (sorted, nil) }
        let first: Set<String> = ["before", "pre", "attn", "attention", "att", "input", "msa", "first"]
        let second: Set<String> = ["after", "post", "mlp", "ffn", "ff", "output", "feed", "final", "second"]
        let common = Set(pair[0].words).intersection(pair[1].words)
        let votes = pair.map { layer in
            let words = Set(layer.words).subtracting(common)
            // "post_attention" is the norm after the attention.
            return words.isDisjoint(with: second) ? (words.isDisjoint(with: first) ? 0 : 1) : -1
        }
        if votes[0] != votes[1] { return (votes[0] > votes[1] ? pair : pair.reversed(), nil) }
        return (DraftOrder.byFile(pair), "which of both comes first is told by the order in the file")
    }

    private mutating func takeNorms() {
        let width = width
        var pairs = layers.filter { $0.isNorm(width) }
        if pairs.isEmpty {
            pairs = DraftLayer.pairs(layers, of: width)
            if pairs.count == 2 { layers.removeAll { $0.shape == [width] } }
        }
        if pairs.count == 2 {
            let (ordered, note) = byBranch(pairs)
            take(pairs)
            norms =
                ordered[0].rows(to: "blocks.{i}.norm1", [], biasSteps: [], note: note)
                + ordered[1].rows(to: "blocks.{i}.norm2", [], biasSteps: [], note: note)
        }
        let heads = layers.filter {
            $0.shape.count == 1 && $0.shape[0] > 0 && $0.shape[0] < width && $0.isNorm($0.shape[0])
                && width % $0.shape[0] == 0
        }
        if heads.count == 2 {
            let told = DraftOrder.byWords(heads, Array(Self.words.prefix(2)))
            let ordered = told ?? DraftOrder.byFile(heads)
            let note = told == nil ? "queries and keys are told by their order" : nil
            take(heads)
            others +=
                ordered[0].rows(to: "blocks.{i}.attn.q_norm", [], biasSteps: [], note: note)
                + ordered[1].rows(to: "blocks.{i}.attn.k_norm", [], biasSteps: [], note: note)
        }
        let hidden = layers.filter { $0.shape.count == 1 && $0.shape[0] > width && $0.isNorm($0.shape[0]) }
        if hidden.count == 1 {
            take(hidden)
            others += hidden[0].rows(to: "blocks.{i}.mlp.norm", [], biasSteps: [], note: nil)
        }
    }

    private mutating func takeOthers() {
        let width = width
        let single = layers.filter { $0.shape == [width] && $0.bias == nil }
        guard single.count == 2 else { return }
        if single.allSatisfy(\.isBiasAlone) {
            // Biases of queries and values beside a fused matrix without one.
            guard let told = DraftOrder.byWords(single, [Self.words[0], Self.words[2]]) else { return }
            take(single)
            let rule = MappingRule(
                told.map(\.weight.name), to: ["blocks.{i}.attn.qkv.bias"],
                [.insertZeros(at: 1), .concatenate(axis: 0, parts: 3)])
            others.append(.init(rule: rule, note: nil))
        } else if !single.contains(where: { $0.words.containsAny(of: ["norm", "ln", "layernorm", "rms"]) }) {
            let (ordered, note) = byBranch(single)
            take(single)
            let doubt = note ?? "taken for a factor of the branch (layer scale)"
            others +=
                ordered[0].row(to: "blocks.{i}.ls1.gamma", note: doubt)
                + ordered[1].row(to: "blocks.{i}.ls2.gamma", note: doubt)
        }
    }
}
