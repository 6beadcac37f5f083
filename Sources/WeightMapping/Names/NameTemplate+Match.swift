extension NameTemplate {
    /// The indices with which the template gives the folded name, or nil when it cannot.
    package func match(_ name: [UInt8]) -> [String: Int]? {
        // Nearly all names leave here, most of them by their end.
        if case .text(let text) = foldedPieces.last, !Self.stands(text, in: name, at: name.count - text.count)
        {
            return nil
        }
        if case .text(let text) = foldedPieces.first, !Self.stands(text, in: name, at: 0) { return nil }
        var values = [Int](repeating: -1, count: placeholders.count)
        guard match(name, from: 0, piece: 0, &values) else { return nil }
        return Dictionary(uniqueKeysWithValues: zip(placeholders, values))
    }

    private func match(_ name: [UInt8], from start: Int, piece: Int, _ values: inout [Int]) -> Bool {
        guard piece < foldedPieces.count else { return start == name.count }
        switch foldedPieces[piece] {
        case .text(let text):
            guard Self.stands(text, in: name, at: start) else { return false }
            return match(name, from: start + text.count, piece: piece + 1, &values)
        case .number(let place):
            guard let (value, end) = Self.number(in: name, from: start) else { return false }
            return bind(value, to: place, &values) { values in
                match(name, from: end, piece: piece + 1, &values)
            }
        case .suffixNumber(let place):
            if start < name.count, name[start] == UInt8(ascii: "_"),
                let (value, end) = Self.number(in: name, from: start + 1), value > 0,
                bind(value, to: place, &values, { match(name, from: end, piece: piece + 1, &$0) })
            {
                return true
            }
            return bind(0, to: place, &values) { match(name, from: start, piece: piece + 1, &$0) }
        case .anything:
            guard start < name.count else { return false }
            if piece == foldedPieces.count - 1 { return true }
            return (start + 1...name.count).contains { match(name, from: $0, piece: piece + 1, &values) }
        }
    }

    private static func stands(_ text: [UInt8], in name: [UInt8], at start: Int) -> Bool {
        guard start >= 0, text.count <= name.count - start else { return false }
        return text.indices.allSatisfy { name[start + $0] == text[$0] }
    }

    /// Goes on with a placeholder's value, and takes it back when that leads nowhere.
    private func bind(
        _ value: Int, to place: Int, _ values: inout [Int], _ goOn: (inout [Int]) -> Bool
    ) -> Bool {
        let before = values[place]
        guard before < 0 || before == value else { return false }
        values[place] = value
        if goOn(&values) { return true }
        values[place] = before
        return false
    }

    /// A run of digits without leading zeros; more than six are no index of a tensor.
    private static func number(in name: [UInt8], from start: Int) -> (value: Int, end: Int)? {
        var value = 0
        var end = start
        while end < name.count, case let digit = name[end] &- UInt8(ascii: "0"), digit < 10 {
            value = value * 10 + Int(digit)
            end += 1
            if end - start > 6 { return nil }
        }
        guard end > start, end == start + 1 || name[start] != UInt8(ascii: "0") else { return nil }
        return (value, end)
    }
}
