import TensorCore

/// Finds where in a checkpoint the weights stand, and in which scheme's names.
package struct CandidateFinder: Sendable {
    /// What was chosen, and what the user should hear about it.
    package struct Choice: Sendable {
        package let candidate: Candidate
        /// The other places that hold a model's weights: what `select` could have been.
        package let others: [String]
        package let remarks: [String]
    }

    private let tensors: [NamedTensor]
    /// The tensors' names, folded.
    private let names: [[UInt8]]
    private let schemes: [NamingScheme]

    /// - Parameter schemes: the schemes to look for.
    package init(_ tensors: [NamedTensor], schemes: [NamingScheme] = NamingScheme.all) {
        self.tensors = tensors
        names = tensors.map { NameTemplate.fold($0.name.utf8) }
        self.schemes = schemes
    }

    /// Chooses the weights.
    ///
    /// A place counts when every name of a scheme's fingerprint stands there; see `CandidatePlace.rank` for
    /// which of several is taken.
    ///
    /// - Parameter select: a path that leads to the weights, instead of the choice by rank.
    /// - Throws: `MappingError.noWeights`, `.unknownSelection`, `.ambiguousScheme`.
    package func choose(select: String? = nil) throws(MappingError) -> Choice {
        let places = places()
        guard !places.isEmpty else { throw noWeights() }
        let eligible = select.map { path in places.filter { $0.isBelow(path) } } ?? places
        guard let best = eligible.first else {
            throw .unknownSelection(select ?? "", candidates: Self.unique(places.map(\.path)))
        }
        let rivals = eligible.filter { $0.prefix == best.prefix && $0.evidence == best.evidence }
        guard rivals.count == 1, let scheme = schemes.first(where: { $0.name == best.scheme }) else {
            throw .ambiguousScheme(rivals.map(\.scheme), path: best.path)
        }
        let others = Self.unique(places.map(\.path)).filter { $0 != best.path }
        return choice(of: best, in: scheme, among: places, others: others, isSelected: select != nil)
    }

    /// All places that hold a model's weights, the one that `choose()` takes first.
    package func paths() -> [String] { Self.unique(places().map(\.path)) }

    // MARK: Places

    private func places() -> [CandidatePlace] {
        var places: [CandidatePlace] = []
        var orders: [String: Int] = [:]
        for scheme in schemes {
            for (prefix, found) in found(of: scheme) where found.names == fingerprint(of: scheme).count {
                places.append(CandidatePlace(scheme: scheme, prefix: prefix))
                orders[prefix] = min(found.first, orders[prefix] ?? found.first)
            }
        }
        return Self.withoutParts(places, schemes).sorted { a, b in
            let (left, right) = (a.rank, b.rank)
            if left != right { return left.lexicographicallyPrecedes(right) }
            let order = (orders[a.prefix] ?? 0, orders[b.prefix] ?? 0)
            return (order.0, b.evidence, a.scheme) < (order.1, a.evidence, b.scheme)
        }
    }

    /// The places but for those that are part of another: CLIP's tower is told by its own names, and by those of
    /// the whole model around it.
    private static func withoutParts(_ places: [CandidatePlace], _ schemes: [NamingScheme])
        -> [CandidatePlace]
    {
        var evidence: [[UInt8]: Int] = [:]
        for whole in places {
            let start = NameTemplate.fold(whole.prefix.utf8)
            for name in schemes.first(where: { $0.name == whole.scheme })?.fingerprint ?? [] {
                let name = NameTemplate.fold(name.utf8)
                for end in name.indices where name[end] == UInt8(ascii: ".") {
                    let place = start + name[...end]
                    evidence[place] = max(evidence[place] ?? 0, whole.evidence)
                }
            }
        }
        return places.filter { $0.evidence >= evidence[NameTemplate.fold($0.prefix.utf8)] ?? 0 }
    }

    /// For each prefix, how many names of a scheme's fingerprint stand behind it, and the first one's place.
    private func found(of scheme: NamingScheme) -> [String: (names: Int, first: Int)] {
        var found: [String: (names: Int, first: Int)] = [:]
        let fingerprint = fingerprint(of: scheme).map { NameTemplate.fold($0.utf8) }
        for (order, name) in names.enumerated() {
            for ending in fingerprint where Self.ends(name, with: ending) {
                let prefix = String(decoding: tensors[order].name.utf8.dropLast(ending.count), as: UTF8.self)
                found[prefix, default: (0, order)].names += 1
            }
        }
        return found
    }

    /// The names that must be there. Of a scheme that was asked for, those that the model has no use for need not.
    private func fingerprint(of scheme: NamingScheme) -> [String] {
        guard schemes.count == 1 else { return scheme.fingerprint }
        return scheme.fingerprint.filter { scheme.ignoreReason(for: NameTemplate.fold($0.utf8)) == nil }
    }

    /// Whether a name is `ending`, or words in front of it.
    private static func ends(_ name: [UInt8], with ending: [UInt8]) -> Bool {
        let start = name.count - ending.count
        guard start >= 0, start == 0 || name[start - 1] == UInt8(ascii: ".") else { return false }
        return name[start...].elementsEqual(ending)
    }

    private func noWeights() -> MappingError {
        var nearest: (scheme: NamingScheme, prefix: String, names: Int)?
        for scheme in schemes {
            for (prefix, found) in found(of: scheme).sorted(by: { $0.key < $1.key })
            where found.names > nearest?.names ?? 0 {
                nearest = (scheme, prefix, found.names)
            }
        }
        let names = Set(tensors.map(\.name))
        let missing = nearest.map { nearest in
            nearest.scheme.fingerprint.map { nearest.prefix + $0 }.filter { !names.contains($0) }
        }
        return .noWeights(
            examples: tensors.prefix(5).map(\.name), count: tensors.count, nearest: nearest?.scheme.name,
            lacking: missing ?? [])
    }

    private static func unique(_ paths: [String]) -> [String] {
        var seen: Set<String> = []
        return paths.filter { seen.insert($0).inserted }
    }

    // MARK: What belongs to the place

    private func choice(
        of place: CandidatePlace, in scheme: NamingScheme, among places: [CandidatePlace], others: [String],
        isSelected: Bool
    ) -> Choice {
        let prefixes = Set(places.map(\.prefix))
        let longest = prefixes.reduce(0) { max($0, $1.utf8.count) }
        let parent = place.parent
        var members: [Candidate.Member] = []
        var outside: [Candidate.Member] = []
        var left: [String] = []
        for tensor in tensors {
            let path = tensor.name
            let owner = Self.longestPrefix(of: path, in: prefixes, upTo: longest)
            if owner == place.prefix, !(place.prefix.isEmpty && Self.isBesideModel(path)) {
                let name = String(decoding: path.utf8.dropFirst(place.prefix.utf8.count), as: UTF8.self)
                members.append(Candidate.Member(name: name, path: path, view: tensor.view))
                continue
            }
            if let parent, path.utf8.starts(with: parent.utf8) {
                let name = String(decoding: path.utf8.dropFirst(parent.utf8.count), as: UTF8.self)
                if Self.maybeHead(name, scheme) {
                    outside.append(Candidate.Member(name: name, path: path, view: tensor.view))
                    continue
                }
            }
            if owner == nil || owner == place.prefix { left.append(path) }
        }
        var remarks: [String] = []
        if !others.isEmpty, !isSelected {
            let taken = place.path.isEmpty ? "at the top" : "under '\(place.path)'"
            let list = others.map { $0.isEmpty ? "at the top" : "under '\($0)'" }.joined(separator: ", ")
            remarks.append(
                "the file holds the weights of several models: those \(taken) are taken, others stand \(list) "
                    + "(choose with --select)")
        }
        if !left.isEmpty { remarks.append(Self.summary(of: left, beside: parent ?? "")) }
        let candidate = Candidate(scheme: scheme, path: place.path, members: members, outside: outside)
        return Choice(candidate: candidate, others: others, remarks: remarks)
    }

    static func isBesideModel(_ path: String) -> Bool {
        guard let end = path.utf8.firstIndex(where: isSeparator) else { return false }
        return CandidatePlace.besideModel.contains(String(path[..<end]))
    }

    /// The longest of `prefixes`, of `length` bytes at most, with which a path begins.
    private static func longestPrefix(of path: String, in prefixes: Set<String>, upTo length: Int) -> String?
    {
        var longest = prefixes.contains("") ? "" : nil
        var depth = 0
        for (offset, byte) in path.utf8.prefix(length).enumerated() where isSeparator(byte) {
            let prefix = String(decoding: path.utf8.prefix(offset + 1), as: UTF8.self)
            if prefixes.contains(prefix) { longest = prefix }
            depth += 1
            // Names nest a few levels; a hostile one must not buy time with thousands.
            if depth == 32 { break }
        }
        return longest
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/")
    }

    private static func maybeHead(_ name: String, _ scheme: NamingScheme) -> Bool {
        let bytes = NameTemplate.fold(name.utf8)
        return scheme.outsideHead.contains { $0.sources.contains { $0.match(bytes) != nil } }
            || scheme.ignoreReason(for: bytes) != nil
            || scheme.unsupported.contains { $0.template.match(bytes) != nil }
    }

    private static func summary(of paths: [String], beside parent: String) -> String {
        var counts: [Substring: Int] = [:]
        var words: [Substring] = []
        for path in paths {
            // What stands beside the weights goes by a word of its own, not by one that it shares with them.
            let shared = path.hasPrefix(parent) ? parent.count : 0
            let rest = path.dropFirst(shared)
            let word = path[..<(rest.firstIndex { $0 == "." || $0 == "/" } ?? path.endIndex)]
            if counts[word] == nil { words.append(word) }
            counts[word, default: 0] += 1
        }
        let shown = words.prefix(8).map { "\($0) (\(counts[$0, default: 0]))" }.joined(separator: ", ")
        let more = words.count > 8 ? " and \(words.count - 8) more" : ""
        let tensors = paths.count == 1 ? "1 tensor is" : "\(paths.count) tensors are"
        return "\(tensors) no part of the model and left out: \(shown)\(more)"
    }
}
