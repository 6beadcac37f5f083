import TensorCore

/// The blocks of a model, found by the number in names that repeats one group of shapes.
struct BlockStructure {
    /// What stands in front of the number.
    let prefix: String
    /// The tensors of one block, the number as a placeholder in their names.
    let tensors: [(pattern: String, shape: [Int], order: Int)]
    /// The names of all blocks' tensors.
    let names: Set<String>
    let depth: Int
    /// What stands in front of the number in other parts of the file that look alike: other models.
    let rivals: [String]

    private struct Member: Hashable {
        let suffix: String
        let shape: [Int]
    }

    private struct Found {
        let prefix: String
        let isSuffixed: Bool
        let blocks: [Int: [Member: String]]
        let order: Int

        var alike: [Int] {
            guard let first = blocks.keys.min(), let members = blocks[first].map({ Set($0.keys) }) else {
                return []
            }
            return blocks.filter { Set($0.value.keys) == members }.keys.sorted()
        }
    }

    private static let smallestBlock = 6
    private static let largestBlock = 64
    private static let longestName = 512

    /// - Parameter tensors: those that may be weights, in the order of the file.
    /// - Returns: nil when no number repeats a group of tensors.
    init?(_ tensors: [NamedTensor]) {
        let orders = Dictionary(
            tensors.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        let shapes = Dictionary(
            tensors.map { ($0.name, $0.view.shape.dimensions) }, uniquingKeysWith: { first, _ in first })
        let found = Self.candidates(tensors, shapes, orders)
        guard let best = found.first, let first = best.blocks[0] else { return nil }
        let alike = best.alike
        guard alike == Array(0..<alike.count) else { return nil }
        prefix = best.prefix
        depth = alike.count
        let placeholder = best.isSuffixed ? "{_i}" : "{i}"
        let stem = best.isSuffixed ? String(best.prefix.dropLast()) : best.prefix
        let patterns = first.map { member, name in
            (pattern: stem + placeholder + member.suffix, shape: member.shape, order: orders[name] ?? 0)
        }
        self.tensors = patterns.sorted { $0.order < $1.order }
        names = Set(alike.flatMap { best.blocks[$0].map { Array($0.values) } ?? [] })
        let members = Set(first.keys)
        rivals = found.dropFirst().filter { other in
            other.blocks[0].map { Set($0.keys) } == members && Self.rank(other.prefix)[0] == 0
        }.map(\.prefix)
    }

    /// Numbers that count groups of tensors, the one that covers most first.
    private static func candidates(
        _ tensors: [NamedTensor], _ shapes: [String: [Int]], _ orders: [String: Int]
    ) -> [Found] {
        var blocks: [String: [Int: [Member: String]]] = [:]
        for tensor in tensors where tensor.name.utf8.count <= longestName {
            for (start, end, value) in numbers(in: tensor.name) {
                let prefix = String(tensor.name[..<start])
                let suffix = generalised(String(tensor.name[end...]), after: prefix, value)
                let member = Member(suffix: suffix, shape: tensor.view.shape.dimensions)
                blocks[prefix, default: [:]][value, default: [:]][member] = tensor.name
            }
        }
        var found: [Found] = []
        for (prefix, values) in blocks {
            var values = values
            var isSuffixed = false
            if values[0] == nil, let first = values[1], prefix.hasSuffix("_") {
                // Keras counts from no number at all.
                let stem = prefix.dropLast()
                var unnumbered: [Member: String] = [:]
                for member in first.keys where shapes[stem + member.suffix] == member.shape {
                    unnumbered[member] = stem + member.suffix
                }
                if unnumbered.count == first.count { (values[0], isSuffixed) = (unnumbered, true) }
            }
            guard let first = values[0], (smallestBlock...largestBlock).contains(first.count) else {
                continue
            }
            let order = first.values.compactMap { orders[$0] }.min() ?? 0
            found.append(Found(prefix: prefix, isSuffixed: isSuffixed, blocks: values, order: order))
        }
        let scored = found.map { entry in
            let (repeats, size) = (entry.alike.count, entry.blocks[0]?.count ?? 0)
            // A number that repeats nothing counts for less than any that does.
            return (entry, repeats > 1 ? repeats * size : 0, size)
        }
        return scored.sorted { a, b in
            let (left, right) = (rank(a.0.prefix), rank(b.0.prefix))
            if left[0] != right[0] { return left[0] < right[0] }
            if a.1 != b.1 { return a.1 > b.1 }
            if a.2 != b.2 { return a.2 > b.2 }
            if left != right { return left.lexicographicallyPrecedes(right) }
            if a.0.prefix.utf8.count != b.0.prefix.utf8.count {
                return a.0.prefix.utf8.count > b.0.prefix.utf8.count
            }
            return (a.0.order, a.0.prefix) < (b.0.order, b.0.prefix)
        }.map(\.0)
    }

    /// How a place in the file is preferred among those that look alike, as for known schemes.
    private static func rank(_ prefix: String) -> [Int] {
        let isDecoder = DraftTensor.words(of: prefix).contains("decoder")
        return [isDecoder ? 1 : 0] + CandidatePlace(prefix: prefix).rank.prefix(2)
    }

    /// The runs of digits in a name that may count something.
    private static func numbers(in name: String) -> [(String.Index, String.Index, Int)] {
        var numbers: [(String.Index, String.Index, Int)] = []
        var index = name.startIndex
        while index < name.endIndex, numbers.count < 8 {
            guard name[index].isASCII, name[index].isNumber else {
                index = name.index(after: index)
                continue
            }
            let run = name[index...].prefix { $0.isASCII && $0.isNumber }
            if run.utf8.count <= 4, let value = Int(run), String(value) == run {
                numbers.append((index, run.endIndex, value))
            }
            index = run.endIndex
        }
        return numbers
    }

    /// Some frameworks repeat a block's own name, number and all, further on in a name.
    private static func generalised(_ suffix: String, after prefix: String, _ value: Int) -> String {
        let separator = prefix.lastIndex { $0 == "." || $0 == "/" }
        let word = String(separator.map { prefix[prefix.index(after: $0)...] } ?? prefix[...])
        guard !word.isEmpty else { return suffix }
        let repeated = "\(word)\(value)"
        var result = ""
        var rest = suffix[...]
        while let range = rest.firstRange(of: repeated) {
            result += rest[..<range.lowerBound]
            let follows = range.upperBound < rest.endIndex && rest[range.upperBound].isNumber
            result += follows ? repeated : "\(word){i}"
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
