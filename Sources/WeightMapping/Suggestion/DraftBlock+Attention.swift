extension DraftBlock {
    /// Kernels with an axis for the heads: `[D, H, d]` in, `[H, d, D]` out, as flax and Keras keep them.
    mutating func takeHeads() -> Rows? {
        let width = width
        let inner = layers.filter {
            $0.shape.count == 3 && $0.shape[0] == width && $0.shape[1] != width
                && $0.shape[1].multipliedReportingOverflow(by: $0.shape[2]).partialValue == width
        }
        let outer = layers.filter {
            $0.shape.count == 3 && $0.shape[2] == width && $0.shape[1] != width
                && $0.shape[0].multipliedReportingOverflow(by: $0.shape[1]).partialValue == width
        }
        let join: [TensorOperation] = [.concatenate(axis: 0, parts: 3)]
        if let fused = layers.first(where: {
            $0.shape.count == 4 && $0.shape[0] == width && $0.shape[1] == 3
        }), outer.count == 1 {
            take([fused] + outer)
            attentionLayer = fused
            return fused.rows(
                to: "blocks.{i}.attn.qkv", [.reshape("D 3 H d -> D (3 H d)"), .transpose([1, 0])],
                biasSteps: fused.bias?.shape.count == 3 ? [.reshape("3 H d -> (3 H d)")] : [], note: nil)
                + output(outer[0])
        }
        guard inner.count == 3, outer.count == 1 else { return nil }
        take(inner + outer)
        attentionLayer = inner[0]
        let (ordered, note) = queriesKeysValues(inner)
        let hasHeads = ordered.allSatisfy { $0.bias?.shape.count == 2 }
        return Self.joined(
            ordered, [.reshape("D H d -> D (H d)"), .transpose([1, 0])] + join,
            biasSteps: (hasHeads ? [.reshape("H d -> (H d)")] : []) + join, note: note) + output(outer[0])
    }

    private func output(_ layer: DraftLayer) -> Rows {
        guard layer.shape.count == 3 else {
            return layer.linear(to: "blocks.{i}.attn.proj", isTransposed: isTransposed, note: squareNote)
        }
        return layer.rows(
            to: "blocks.{i}.attn.proj", [.reshape("H d D -> (H d) D"), .transpose([1, 0])], biasSteps: [],
            note: nil)
    }

    /// One matrix for queries, keys and values, beside a square one for the output.
    mutating func takeFused() -> Rows? {
        let width = width
        let squares = layers.filter { $0.shape == [width, width] }
        let fused = layers.filter { $0.shape == [3 * width, width] || $0.shape == [width, 3 * width] }
        guard let matrix = fused.max(by: { likeness($0) < likeness($1) }), !squares.isEmpty else {
            return nil
        }
        let candidates =
            squares.count == 1
            ? squares
            : squares.sorted {
                ($0.kinship(with: matrix), $1.weight.order) > ($1.kinship(with: matrix), $0.weight.order)
            }
        let output = candidates[0]
        let isTurned = matrix.shape[0] == width
        take([matrix, output])
        attentionLayer = matrix
        return matrix.linear(to: "blocks.{i}.attn.qkv", isTransposed: isTurned, note: fusedNote)
            + self.output(output)
    }

    /// Four square matrices, or more where the MLP is as narrow.
    mutating func takeSquares() -> Rows? {
        let width = width
        let squares = layers.filter { $0.shape == [width, width] }
        guard squares.count >= 4 else { return nil }
        var note: String?
        let ordered: [DraftLayer]
        if let told = told(squares) {
            ordered = told
        } else {
            // Three that stand together are queries, keys and values; the other one is the output.
            let four = Array(DraftOrder.byFile(squares).prefix(4))
            let output = four.min { a, b in
                let kinships = [a, b].map { layer in
                    four.filter { $0 != layer }.map { $0.kinship(with: layer) }.reduce(0, +)
                }
                return (kinships[0], -a.weight.order) < (kinships[1], -b.weight.order)
            }
            let (inner, doubt) = queriesKeysValues(four.filter { $0 != output })
            ordered = inner + [output].compactMap { $0 }
            note = doubt ?? "told by its place in the names"
        }
        guard ordered.count == 4 else { return nil }
        take(ordered)
        attentionLayer = ordered[0]
        let steps: [TensorOperation] =
            (isTransposed ? [.transpose([1, 0])] : []) + [.concatenate(axis: 0, parts: 3)]
        return Self.joined(
            Array(ordered.prefix(3)), steps, biasSteps: [.concatenate(axis: 0, parts: 3)],
            note: note ?? squareNote) + output(ordered[3])
    }

    /// The four of the attention among square matrices, by their words.
    private func told(_ squares: [DraftLayer]) -> [DraftLayer]? {
        if squares.count == 4 { return DraftOrder.byWords(squares, Self.words) }
        let inner = Self.words.prefix(3).map { words in squares.filter { $0.words.containsAny(of: words) } }
        guard inner.allSatisfy({ $0.count == 1 }) else { return nil }
        let three = inner.flatMap { $0 }
        let output = squares.filter { !three.contains($0) }.max {
            ($0.kinship(with: three[0]), -$0.weight.order) < ($1.kinship(with: three[0]), -$1.weight.order)
        }
        return output.map { three + [$0] }
    }

    private func queriesKeysValues(_ layers: [DraftLayer]) -> ([DraftLayer], note: String?) {
        if let told = DraftOrder.byWords(layers, Array(Self.words.prefix(3))) { return (told, nil) }
        let note = "queries, keys and values are told by their order only"
        return (DraftOrder.byNumbers(layers) ?? DraftOrder.byFile(layers), note)
    }

    private static func joined(
        _ layers: [DraftLayer], _ steps: [TensorOperation], biasSteps: [TensorOperation], note: String?
    ) -> Rows {
        var rows = [
            RulesDraft.Row(
                rule: MappingRule(layers.map(\.weight.name), to: ["blocks.{i}.attn.qkv.weight"], steps),
                note: note)
        ]
        let biases = layers.compactMap { $0.bias }
        if biases.count == layers.count {
            let rule = MappingRule(biases.map(\.name), to: ["blocks.{i}.attn.qkv.bias"], biasSteps)
            rows.append(.init(rule: rule, note: note))
        } else if layers.count == 3, let first = layers[0].bias, let last = layers[2].bias, biases.count == 2
        {
            let rule = MappingRule(
                [first.name, last.name], to: ["blocks.{i}.attn.qkv.bias"],
                biasSteps.dropLast() + [.insertZeros(at: 1)] + biasSteps.suffix(1))
            rows.append(.init(rule: rule, note: note))
        }
        return rows
    }
}
