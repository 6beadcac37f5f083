/// Finds the name most like another, for "did you mean".
///
/// A hostile file must not buy time with long names or many: names beyond 256 bytes are not looked at, and the
/// search ends when it has compared a fixed number of bytes.
package struct NearestName {
    private let candidates: [(name: String, bytes: [UInt8])]
    private var budget = 40_000_000

    package init(among names: [String]) {
        candidates = names.map { ($0, Array($0.utf8)) }.filter { $0.1.count <= 256 }
    }

    /// The candidate with the least edit distance, when at least half of `name` agrees with it.
    package mutating func nearest(to name: String) -> String? {
        let target = Array(name.utf8)
        guard target.count <= 256 else { return nil }
        var best: String?
        var limit = target.count / 2
        for candidate in candidates where abs(candidate.bytes.count - target.count) <= limit {
            budget -= target.count * candidate.bytes.count
            guard budget > 0 else { break }
            guard let distance = Self.distance(target, candidate.bytes, limit: limit) else { continue }
            best = candidate.name
            if distance == 0 { break }
            limit = distance - 1
        }
        return best
    }

    /// The least number of insertions, deletions and replacements between two texts (Levenshtein), or nil
    /// when it exceeds `limit`.
    static func distance(_ a: [UInt8], _ b: [UInt8], limit: Int) -> Int? {
        guard abs(a.count - b.count) <= limit else { return nil }
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            var least = row[0]
            for (j, right) in b.enumerated() {
                let replaced = diagonal + (left == right ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
                least = min(least, row[j + 1])
            }
            if least > limit { return nil }
        }
        return row[b.count] <= limit ? row[b.count] : nil
    }
}
