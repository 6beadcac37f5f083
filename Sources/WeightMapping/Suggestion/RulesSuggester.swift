import TensorCore

/// Draws up a naming scheme for a checkpoint that none is known for.
///
/// It goes by what every Vision Transformer has: a number in the names that repeats one group of shapes, a width
/// that most tensors share, a patch embedding, attention with an MLP behind it. Words in names break ties.
package struct RulesSuggester {
    let width: Int
    var rows: [RulesDraft.Row] = []
    var remarks: [String] = []
    /// Whether linear maps are stored as `[in, out]`; nil when no shape of the file tells.
    let isTransposed: Bool?
    var placed: Set<String> = []

    private static let mostTensors = 1 << 14
    private static let mostUnplaced = 256

    /// Draws up the scheme.
    ///
    /// - Parameter select: a path that leads to the weights.
    /// - Throws: `MappingError.noPattern` when the tensors do not look like a Vision Transformer's.
    package static func draft(
        _ tensors: [NamedTensor], select: String? = nil
    ) throws(MappingError) -> RulesDraft {
        var inside = tensors
        if let select {
            inside = tensors.filter { $0.name.hasPrefix(select + ".") || $0.name.hasPrefix(select + "/") }
            guard !inside.isEmpty else {
                throw .noPattern("no tensor stands under '\(select)'")
            }
            inside = inside.map { NamedTensor(String($0.name.dropFirst(select.count + 1)), $0.view) }
        } else {
            inside.removeAll { CandidateFinder.isBesideModel($0.name) }
        }
        let weights = inside.filter { $0.view.dtype.isFloatingPoint }
        guard weights.count <= mostTensors else {
            throw .noPattern(
                "\(weights.count) tensors are more than a model has (\(mostTensors)): --select takes a part of them"
            )
        }
        guard let blocks = BlockStructure(weights) else {
            throw .noPattern(
                "nothing in the names of its \(tensors.count) tensors counts blocks: expected a number that "
                    + "goes from 0 and repeats a group of tensors of the same shapes")
        }
        let root = Self.root(of: blocks, among: weights.map(\.name))
        let outside = weights.filter { !blocks.names.contains($0.name) && $0.name.hasPrefix(root) }
        var suggester = try RulesSuggester(blocks)
        return try suggester.run(blocks, inside, outside: outside, root: root)
    }

    private init(_ blocks: BlockStructure) throws(MappingError) {
        var counts: [Int: Int] = [:]
        for tensor in blocks.tensors {
            for length in Set(tensor.shape) where length > 1 { counts[length, default: 0] += 1 }
        }
        width = counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 0
        guard (2...1 << 24).contains(width) else {
            throw .noPattern("the length that most tensors of a block share is \(width)")
        }
        let tensors = blocks.tensors.compactMap {
            DraftTensor($0.pattern, inBlock: true, shape: $0.shape, order: $0.order)
        }
        isTransposed = Self.orientation(DraftLayer.layers(of: tensors), width)
    }

    private mutating func run(
        _ blocks: BlockStructure, _ all: [NamedTensor], outside: [NamedTensor], root: String
    ) throws(MappingError) -> RulesDraft {
        let members = blocks.tensors.compactMap {
            DraftTensor(
                String($0.pattern.dropFirst(root.count)), inBlock: true, shape: $0.shape, order: $0.order)
        }
        let others = outside.enumerated().compactMap { order, tensor in
            DraftTensor(
                String(tensor.name.dropFirst(root.count)), inBlock: false,
                shape: tensor.view.shape.dimensions, order: order)
        }
        let block = DraftBlock(DraftLayer.layers(of: members), width: width, isTransposed: isTransposed)
        guard let attention = block.attention, let mlp = block.mlp else {
            throw .noPattern(
                "its blocks ('\(blocks.prefix)0' and so on, \(blocks.depth) of them) do not look like a "
                    + "Transformer's: expected matrices for "
                    + (block.attention == nil ? "queries, keys, values and output" : "an MLP")
                    + " of width \(width)")
        }
        var stem = DraftStem(
            DraftLayer.layers(of: others), width: width, isTransposed: block.isTransposed,
            beside: block.attentionLayer)
        guard let patches = stem.takePatches() else {
            throw .noPattern(
                "its blocks are a Transformer's of width \(width), but nothing embeds patches: expected a tensor "
                    + "[\(width), channels, patch, patch], or a matrix between \(width) and all of a patch's values"
            )
        }
        stem.takeRest()
        add(patches)
        add(stem.rows)
        add(attention + block.norms + mlp + block.others)
        rows = Self.inModelOrder(rows)
        remark(block, root: root, rivals: blocks.rivals)

        placed.formUnion(stem.ignored.map(\.template.pattern))
        let left = (others + members).filter { !placed.contains($0.pattern) }
        if left.count > Self.mostUnplaced {
            remarks.append("\(left.count - Self.mostUnplaced) more tensors found no place and are not listed")
        }
        let unplaced = left.prefix(Self.mostUnplaced).map {
            RulesDraft.Unplaced(name: $0.pattern, shape: $0.shape, guess: Self.guess($0, width: width))
        }
        let ignored = stem.ignored + Self.integers(in: all, blocks, root: root)
        let rules = rows.map(\.rule)
        let fingerprint = [patches.rule.sources[0], attention[0].rule.sources[0]].compactMap {
            $0.fill(["i": 0])
        }
        let scheme = NamingScheme(
            name: "draft", title: "drafted by vit-convert suggest-rules: read it before you use it",
            fingerprint: fingerprint, rules: rules, ignored: ignored,
            prefix: Self.prefix(for: root))
        return RulesDraft(
            rows: rows, scheme: scheme, unplaced: unplaced, note: note(block), remarks: remarks)
    }

    mutating func add(_ row: RulesDraft.Row) { add([row]) }

    mutating func add(_ rows: [RulesDraft.Row]) {
        self.rows += rows
        for row in rows { placed.formUnion(row.rule.sources.map(\.pattern)) }
    }

    private static func inModelOrder(_ rows: [RulesDraft.Row]) -> [RulesDraft.Row] {
        func place(_ row: RulesDraft.Row) -> Int {
            NameTemplate.canonical.firstIndex { $0 == row.rule.targets[0] } ?? 0
        }
        return rows.enumerated().sorted { (place($0.1), $0.0) < (place($1.1), $1.0) }.map(\.element)
    }

    // MARK: What is told to the user

    private mutating func remark(_ block: DraftBlock, root: String, rivals: [String]) {
        if !root.isEmpty {
            remarks.append("names are written without '\(root)', which all of them begin with")
        }
        if !rivals.isEmpty {
            let list = rivals.map { "'\($0)'" }.joined(separator: ", ")
            remarks.append("the file holds further models alike, with blocks at \(list): --select takes one")
        }
        let doubtful = rows.filter { $0.note != nil }.count
        if doubtful > 0 {
            remarks.append("rows with a note are doubtful (\(doubtful) of \(rows.count)): look at them first")
        }
        remarks.append(note(block))
    }

    /// What holds for the table as a whole.
    private func note(_ block: DraftBlock) -> String {
        let stored = block.isTransposed ? "[in, out] and are transposed" : "[out, in]"
        let matrices =
            isTransposed == nil
            ? "no shape tells how matrices are stored: \(stored) is a guess"
            : "matrices are stored as \(stored), as the biases tell; square ones are taken to be like the others"
        return matrices
            + "; neither names nor shapes tell the LayerNorm epsilon (1e-6 unless \"conventions\" says otherwise), "
            + "the form of GELU (exact) and the order within a fused matrix (queries, keys, values)"
    }

    private static func guess(_ tensor: DraftTensor, width: Int) -> String {
        let shape = tensor.shape
        let isLong = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue } > width
        if shape.count == 1, shape[0] == width {
            return "a bias, a factor of a branch (ls1, ls2), or part of a norm"
        }
        if shape.count <= 3, shape.last == width, !isLong || shape.count == 3 {
            return "tokens: cls_token, dist_token, reg_token or pos_embed"
        }
        if shape.count == 2, shape.contains(width) { return "a linear map to or from the model's width" }
        return "nothing of the model has such a shape"
    }

    /// Whole numbers are counters and indices, no weights.
    private static func integers(
        in tensors: [NamedTensor], _ blocks: BlockStructure, root: String
    ) -> [NamingScheme.Exemption] {
        tensors.filter { !$0.view.dtype.isFloatingPoint && $0.name.hasPrefix(root) }.prefix(256)
            .compactMap { tensor in
                guard let template = try? NameTemplate(parsing: String(tensor.name.dropFirst(root.count))),
                    template.placeholders.isEmpty
                else { return nil }
                return NamingScheme.Exemption(template, "whole numbers, no weights")
            }
    }

    // MARK: Where the model stands

    /// What all names of the model begin with.
    private static func root(of blocks: BlockStructure, among names: [String]) -> String {
        // The outermost place around the blocks that holds no other model.
        var ancestors = [""]
        for index in blocks.prefix.indices where blocks.prefix[index] == "." || blocks.prefix[index] == "/" {
            ancestors.append(String(blocks.prefix[...index]))
        }
        let top =
            ancestors.first { place in
                !blocks.rivals.contains { $0.hasPrefix(place) }
                    && names.contains { $0.hasPrefix(place) && !blocks.names.contains($0) }
            } ?? ""
        let inside = names.filter { $0.hasPrefix(top) }
        return ancestors.last { place in inside.allSatisfy { $0.hasPrefix(place) } } ?? top
    }

    /// What is put in front of names when they are written: `root`, but for the dictionary that holds a model.
    private static func prefix(for root: String) -> String {
        for word in ["state_dict.", "model_state_dict."] where root.hasPrefix(word) {
            return String(root.dropFirst(word.count))
        }
        return root
    }

    /// Whether matrices are stored as `[in, out]`: what most biases say, and the fused matrix.
    private static func orientation(_ layers: [DraftLayer], _ width: Int) -> Bool? {
        var votes = 0
        for layer in layers where layer.shape.count == 2 && layer.shape[0] != layer.shape[1] {
            if let out = layer.bias?.shape, out.count == 1 {
                if out[0] == layer.shape[0] { votes += 1 }
                if out[0] == layer.shape[1] { votes -= 1 }
            }
        }
        if votes == 0 {
            let shapes = layers.map(\.shape)
            // Three times the width comes out of the fused matrix, where no MLP is as wide.
            let (plain, turned) = (
                shapes.filter { $0 == [3 * width, width] }, shapes.filter { $0 == [width, 3 * width] }
            )
            votes = plain.count == turned.count ? 0 : plain.count > turned.count ? 1 : -1
        }
        return votes == 0 ? nil : votes < 0
    }
}
