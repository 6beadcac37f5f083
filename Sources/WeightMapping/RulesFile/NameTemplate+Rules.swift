import TensorCore

extension NameTemplate {
    /// A matching walks back from every choice that leads nowhere, so a table may not pile choices up.
    private static let mostPlaceholders = 4

    /// A name in a rules file.
    ///
    /// - Throws: `MappingError.invalidRule` that names the place.
    init(rules value: JSONValue, at place: String) throws(MappingError) {
        let text = try RulesObject.string(value, at: place)
        do throws(MappingError) {
            try self.init(parsing: text)
        } catch {
            throw RulesObject.error("\(error)", at: place)
        }
        for name in placeholders where !name.utf8.allSatisfy(NamingScheme.isWord) {
            throw RulesObject.error(
                "expected a placeholder of letters, digits and '_', found \(RulesObject.quoted(name))",
                at: place)
        }
        let choices = pieces.filter { if case .text = $0 { false } else { true } }
        // At the end it costs nothing.
        let searches = pieces.dropLast().filter { $0 == .anything }.count
        guard choices.count <= Self.mostPlaceholders, searches <= 1 else {
            throw RulesObject.error(
                "\(RulesObject.quoted(text)) has more than \(Self.mostPlaceholders) placeholders, or more than "
                    + "one {*} before its end", at: place)
        }
    }

    /// Whether the template holds `{*}` and so cannot be filled.
    var hasAnything: Bool { pieces.contains(.anything) }

    /// The name with one number for every placeholder, and `x` for any text: an example to show or to compare.
    func fill(standingFor number: Int) -> String {
        var name: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .text(let text): name += text
            case .number: name += String(number).utf8
            case .suffixNumber: name += number > 0 ? Array("_\(number)".utf8) : []
            case .anything: name.append(UInt8(ascii: "x"))
            }
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// - Throws: `MappingError.invalidRule` when no parameter of the model has such a name.
    func proveCanonical(at place: String) throws(MappingError) {
        let example = fill(standingFor: 1)
        guard !Self.canonical.contains(where: { $0.match(example) != nil }) else { return }
        var search = NearestName(among: Self.canonical.map(\.pattern))
        let hint = search.nearest(to: pattern).map { "; did you mean \($0)?" } ?? ""
        throw RulesObject.error(
            "\(RulesObject.quoted(pattern)) is no parameter of the model\(hint)", at: place)
    }

    /// The names that a parameter of the model can have.
    package static let canonical: [NameTemplate] = {
        var seen: Set<NameTemplate> = []
        return NamingScheme.canonical.flatMap(\.rules).flatMap(\.targets).filter { seen.insert($0).inserted }
    }()
}
