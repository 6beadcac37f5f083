extension DraftStem {
    private func isTokens(_ layer: DraftLayer) -> Bool {
        guard layer.bias == nil, !layer.isBiasAlone, layer.shape.last == width else { return false }
        let shape = layer.shape
        return shape.count == 1 || shape.count == 2 || shape.count == 3 && shape[0] == 1
    }

    private func rowCount(_ layer: DraftLayer) -> Int {
        layer.shape.count == 1 ? 1 : layer.shape[layer.shape.count - 2]
    }

    /// The steps that make `[1, rows, D]` of a token or of several.
    private func steps(_ layer: DraftLayer) -> [TensorOperation] {
        switch layer.shape.count {
        case 1: [.reshape("D -> 1 1 D")]
        case 2: [.reshape("N D -> 1 N D")]
        default: []
        }
    }

    mutating func takeTokens() {
        let tokens = layers.filter(isTokens)
        let positioned = tokens.filter { $0.words.containsAny(of: Self.positionWords) && rowCount($0) > 1 }
        let sequences = tokens.filter { rowCount($0) > 1 && $0.shape.count == 3 }
        // A matrix may as well be a head without a bias: only one whose rows make a square of patches counts.
        let tables = tokens.filter { layer in
            layer.shape.count == 2 && (0...2).contains { Self.isSquare(rowCount(layer) - $0) }
        }
        let candidates = !positioned.isEmpty ? positioned : !sequences.isEmpty ? sequences : tables
        let positions = candidates.max { rowCount($0) < rowCount($1) }
        guard let positions, rowCount(positions) > 1 else { return takeSingles(tokens) }
        take([positions])
        let note = positioned.isEmpty ? "told by its size only" : nil
        tokenRows += positions.row(to: "pos_embed", steps(positions), note: note)
        takeSingles(tokens.filter { $0 != positions })
    }

    private mutating func takeSingles(_ tokens: [DraftLayer]) {
        var singles = tokens.filter { rowCount($0) == 1 }
        let distilled = singles.first { $0.words.containsAny(of: ["dist", "distill", "distillation"]) }
        singles.removeAll { $0 == distilled }
        let named = singles.first { $0.words.containsAny(of: Self.classWords) }
        let single = singles.first { $0.shape.count > 1 } ?? (singles.count == 1 ? singles[0] : nil)
        if let token = named ?? single {
            take([token])
            let note = named == nil ? "told by its size only" : nil
            tokenRows.insert(contentsOf: token.row(to: "cls_token", steps(token), note: note), at: 0)
            singles.removeAll { $0 == token }
        }
        if let token = distilled ?? singles.first(where: { $0.shape.count > 1 }) {
            take([token])
            let note = distilled == nil ? "told by its size only" : nil
            tokenRows += token.row(to: "dist_token", steps(token), note: note)
        }
        let left = Set(layers)
        let registers = tokens.filter { rowCount($0) > 1 && left.contains($0) }
        if let layer = registers.first(where: { $0.words.containsAny(of: ["reg", "register", "registers"]) })
            ?? (registers.count == 1 && registers[0].shape.count == 3 ? registers[0] : nil)
        {
            take([layer])
            tokenRows += layer.row(to: "reg_token", steps(layer), note: "taken for register tokens")
        }
    }

    private static func isSquare(_ number: Int) -> Bool {
        guard number > 1, number < 1 << 40 else { return false }
        let root = Int(Double(number).squareRoot().rounded())
        return root * root == number
    }
}
