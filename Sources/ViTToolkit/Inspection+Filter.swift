import TensorCore
import WeightMapping

extension Inspection {
    /// What to say when a filter lets nothing through: the pattern that was probably meant, where there is one.
    package func remark(onFilter pattern: String?) -> String? {
        guard let pattern, entries.isEmpty, !checkpoint.tensors.isEmpty else { return nil }
        let names = checkpoint.tensors.map(\.name)
        let hint = Self.likely(pattern, names).map { "; did you mean '\($0)'?" } ?? ""
        return "\(checkpoint.path): no tensor's name matches '\(pattern)'\(hint)"
    }

    /// A part of names in place of whole ones, or words of names in place of words that no name has.
    private static func likely(_ pattern: String, _ names: [String]) -> String? {
        func matches(_ pattern: String) -> Bool { names.contains { fnmatch(pattern, $0, 0) == 0 } }
        let wider = "*\(pattern)*"
        if matches(wider) { return wider }
        let words = Set(names.flatMap { $0.split { isBoundary($0) }.map(String.init) })
        var search = NearestName(among: words.sorted())
        var result = ""
        for piece in pieces(of: pattern) {
            let isWord = piece.first.map { !isBoundary($0) } ?? false
            if isWord, !words.contains(piece), let word = search.nearest(to: piece) {
                result += word
            } else {
                result += piece
            }
        }
        return [result, "*\(result)*"].first(where: matches)
    }

    private static func isBoundary(_ character: Character) -> Bool { "./*?[]!".contains(character) }

    /// Words and what stands between them, in order.
    private static func pieces(of pattern: String) -> [String] {
        pattern.reduce(into: [String]()) { pieces, character in
            if let last = pieces.last?.last, !isBoundary(last), !isBoundary(character) {
                pieces[pieces.count - 1].append(character)
            } else {
                pieces.append(String(character))
            }
        }
    }
}
