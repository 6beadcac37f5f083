import TensorCore

/// What the tensors around the blocks are: patches and tokens before them, norm and head behind them.
struct DraftStem {
    let width: Int
    let isTransposed: Bool
    var layers: [DraftLayer]
    private(set) var rows: [RulesDraft.Row] = []
    var ignored: [NamingScheme.Exemption] = []
    var tokenRows: [RulesDraft.Row] = []
    private var patchLayer: DraftLayer?
    private let blockLayer: DraftLayer?

    /// - Parameter blockLayer: one of the layers in the blocks: what is no nearer to something than it is.
    init(_ layers: [DraftLayer], width: Int, isTransposed: Bool, beside blockLayer: DraftLayer?) {
        let maskWords: Set<String> = ["mask", "masked"]
        let decoder = layers.filter { $0.words.contains("decoder") }
        let masks = layers.filter { $0.weight.words.containsAny(of: maskWords) && $0.bias == nil }
        let aside = Set(decoder + masks)
        self.layers = layers.filter { !aside.contains($0) }
        ignored =
            decoder.flatMap { [$0.weight] + [$0.bias].compactMap { $0 } }.prefix(512).map {
                .init($0.name, "belongs to a decoder")
            } + masks.prefix(16).map { .init($0.weight.name, "stands for masked patches in pre-training") }
        self.blockLayer = blockLayer
        self.width = width
        self.isTransposed = isTransposed
    }

    mutating func take(_ taken: [DraftLayer]) {
        let taken = Set(taken)
        layers.removeAll { taken.contains($0) }
    }

    // MARK: Patches

    /// The patch embedding; the row for its bias goes to ``rows``.
    mutating func takePatches() -> RulesDraft.Row? {
        let convolutions = layers.filter { convolution($0) != nil }
        let named = convolutions.first {
            $0.words.containsAny(of: ["patch", "patches", "embedding", "embeddings", "embed"])
        }
        if let layer = named ?? convolutions.first {
            return patches(layer, convolution(layer) ?? [], assuming: [:], note: nil)
        }
        let matrices = layers.filter { flattened($0) != nil }
        let best = matrices.max { a, b in
            (likeness(a), -a.weight.order) < (likeness(b), -b.weight.order)
        }
        guard let best, let (isTurned, channels) = flattened(best) else { return nil }
        let turn: [TensorOperation] = isTurned ? [.transpose([1, 0])] : []
        return patches(
            best, turn + [.reshape("D (P P C) -> D P P C"), .transpose([0, 3, 1, 2])],
            assuming: ["C": channels],
            note: "no shape tells in which order a patch's values are flattened: if channels come first, "
                + "write {\"reshape\": \"D (C P P) -> D C P P\"} without the transpose of four axes")
    }

    private mutating func patches(
        _ layer: DraftLayer, _ steps: [TensorOperation], assuming: [String: Int], note: String?
    ) -> RulesDraft.Row {
        take([layer])
        patchLayer = layer
        if let bias = layer.bias {
            rows.append(.init(rule: MappingRule([bias.name], to: ["patch_embed.proj.bias"]), note: nil))
        }
        return .init(
            rule: MappingRule(
                [layer.weight.name], to: ["patch_embed.proj.weight"], steps, assuming: assuming), note: note)
    }

    /// The steps from a convolution's kernel, whose order of axes its lengths tell.
    private func convolution(_ layer: DraftLayer) -> [TensorOperation]? {
        let shape = layer.shape
        guard shape.count == 4, layer.bias.map({ $0.shape == [width] }) ?? true else { return nil }
        if shape[3] == width, shape[0] != width || shape[0] == shape[1] {
            return [.transpose([3, 2, 0, 1])]
        }
        guard shape[0] == width else { return nil }
        // A square patch tells where the channels are; of one that is none the channels are fewer.
        let hasChannelsLast = shape[2] != shape[3] && (shape[1] == shape[2] || shape[3] < shape[1])
        return hasChannelsLast ? [.transpose([0, 3, 1, 2])] : []
    }

    /// A matrix from all values of a patch to the width: whether it is stored as `[in, out]`, and the channels.
    private func flattened(_ layer: DraftLayer) -> (isTurned: Bool, channels: Int)? {
        guard layer.shape.count == 2, let axis = layer.shape.firstIndex(of: width),
            layer.shape[0] != layer.shape[1], layer.bias.map({ $0.shape == [width] }) ?? true
        else { return nil }
        let length = layer.shape[1 - axis]
        guard length < 1 << 40 else { return nil }
        for channels in [3, 1, 4] where length % channels == 0 {
            let side = Int(Double(length / channels).squareRoot().rounded())
            if side > 1, side * side * channels == length { return (axis == 1, channels) }
        }
        return nil
    }

    private func likeness(_ layer: DraftLayer) -> Int {
        if layer.words.containsAny(of: Self.positionWords.union(Self.classWords).union(Self.headWords)) {
            return -1
        }
        if layer.words.containsAny(of: ["patch", "patches"]) { return 2 }
        return layer.words.containsAny(of: ["embed", "embedding", "embeddings", "stem"]) ? 1 : 0
    }

    static let positionWords: Set<String> = [
        "pos", "position", "positions", "positional", "posembed",
    ]
    static let classWords: Set<String> = ["cls", "class"]
    static let firstWords: Set<String> = [
        "pre", "before", "first", "start", "input", "embed", "embeddings",
    ]
    static let headWords: Set<String> = ["head", "heads", "classifier", "logits", "fc"]

    mutating func takeRest() {
        takeTokens()
        takeHeads()
        takeNorms()
        rows = tokenRows + rows
    }

    // MARK: Behind the blocks

    private mutating func takeHeads() {
        let width = width
        let maps = DraftOrder.byFile(
            layers.filter { $0.shape.count == 2 && $0.shape.contains(width) && !$0.words.contains("decoder") }
        )
        if maps.isEmpty {
            // DINOv2's classifiers take the class token and the mean of the patches side by side.
            let double = layers.filter { $0.shape.count == 2 && $0.shape.contains(2 * width) }
            guard double.count == 1 else { return }
            return addHeads([(double[0], "head", 2 * width, "its input is twice the width")])
        }
        let hasDistillation = tokenRows.contains { $0.rule.targets[0].pattern == "dist_token" }
        if maps.count == 2, hasDistillation, maps[0].shape == maps[1].shape {
            let first = maps.first { !$0.words.containsAny(of: ["dist", "distill", "distillation"]) }
            let ordered = [first, maps.first { $0 != first }].compactMap { $0 }
            let note =
                ordered[0] == maps[0] && ordered.count == 2 && first != nil
                ? nil : "told by the order in the file"
            return addHeads(zip(ordered, ["head", "head_dist"]).map { ($0, $1, width, note) })
        }
        if maps.count == 1, let head = maps.first {
            let isSquare = head.shape == [width, width]
            let isPooler =
                isSquare && head.words.containsAny(of: ["pooler", "pre", "pre_logits", "representation"])
            let note =
                isSquare
                ? "as many outputs as inputs: a head, or a layer before one that the file lacks" : nil
            return chain(head, isPooler ? "pre_logits.fc" : "head", input: width, note: note)
        }
        if let first = maps.first(where: { $0.words.containsAny(of: ["pre", "pooler", "representation"]) })
            ?? maps.first(where: { $0.shape == [width, width] })
        {
            let representation = outputs(of: first, input: width)
            let behind = layers.first {
                $0 != first && $0.shape.count == 2 && $0.shape.contains(representation)
            }
            guard let behind else { return chain(first, "head", input: width, note: nil) }
            let note = "taken for a layer with tanh before the head"
            addHeads([(first, "pre_logits.fc", width, note), (behind, "head", representation, nil)])
        } else if let head = maps.first(where: { $0.words.containsAny(of: Self.headWords) }) {
            addHeads([(head, "head", width, nil)])
        } else if let first = maps.first,
            let behind = layers.first(where: {
                $0 != first && $0.shape.count == 2 && !$0.shape.contains(width)
                    && $0.shape.contains(outputs(of: first, input: width))
            })
        {
            addHeads([
                (first, "pre_logits.fc", width, "taken for a layer with tanh before the head"),
                (behind, "head", outputs(of: first, input: width), nil),
            ])
        } else if let head = maps.first {
            addHeads([(head, "head", width, "one of several maps from the width")])
        }
    }

    /// A map from the width, and what may follow on it.
    private mutating func chain(_ layer: DraftLayer, _ target: String, input: Int, note: String?) {
        let length = outputs(of: layer, input: input)
        let behind = layers.first {
            $0 != layer && $0.shape.count == 2 && $0.shape.contains(length) && !$0.shape.contains(width)
        }
        guard let behind else { return addHeads([(layer, target, input, note)]) }
        addHeads([
            (layer, "pre_logits.fc", input, "taken for a layer with tanh before the head"),
            (behind, "head", length, nil),
        ])
    }

    private func outputs(of layer: DraftLayer, input: Int) -> Int {
        if let bias = layer.bias, bias.shape.count == 1 { return bias.shape[0] }
        return layer.shape[0] == input ? layer.shape[1] : layer.shape[0]
    }

    private mutating func addHeads(_ heads: [(layer: DraftLayer, target: String, input: Int, note: String?)])
    {
        take(heads.map(\.layer))
        for (layer, target, input, note) in heads {
            let isTurned = layer.shape[0] == layer.shape[1] ? isTransposed : layer.shape[0] == input
            rows += layer.linear(to: target, isTransposed: isTurned, note: note)
        }
    }

    private mutating func takeNorms() {
        let width = width
        var norms = DraftOrder.byFile(layers.filter { $0.isNorm(width) })
        if norms.isEmpty {
            norms = DraftLayer.pairs(layers, of: width)
            layers.removeAll { $0.shape == [width] }
        }
        let isBeside = { (layer: DraftLayer) in
            layer.kinship(with: patchLayer) > patchLayer.map { $0.kinship(with: blockLayer) } ?? 0
        }
        if let layer = norms.first(where: isBeside), norms.count > 1 {
            take([layer])
            norms.removeAll { $0 == layer }
            rows += layer.rows(
                to: "patch_embed.norm", [], biasSteps: [], note: "it stands beside the patch embedding")
        }
        if norms.count == 2 {
            let named = norms.first { $0.words.containsAny(of: Self.firstWords) }
            let layer = named ?? norms[0]
            take([layer])
            norms.removeAll { $0 == layer }
            rows += layer.rows(
                to: "norm_pre", [], biasSteps: [],
                note: named == nil ? "taken for a norm before the blocks, as it comes first in the file" : nil
            )
        }
        guard let last = norms.last else { return }
        take([last])
        rows += last.rows(
            to: "norm", [], biasSteps: [],
            note: norms.count > 1 ? "one of \(norms.count) norms around the blocks" : nil)
    }
}
