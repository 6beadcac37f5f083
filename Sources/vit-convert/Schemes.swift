import ArgumentParser
import ViTToolkit

struct Schemes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the naming schemes that are known, or show one as a table.",
        discussion: """
            A scheme is a table that serves both ways: which tensors of a file make up which parameters of the model. \
            With --json a scheme is printed as a rules file, to start one of your own from.

            EXAMPLES
              vit-convert schemes
              vit-convert schemes timm
              vit-convert schemes timm --json > my_vit.json
            """)

    @Argument(help: "The scheme to show; all are listed without one.", completion: .schemes)
    var name: String?

    @Flag(help: "Print the result as JSON; that of one scheme is a rules file.")
    var json = false

    func run() throws {
        try job {
            if let name {
                let scheme = try NamingScheme.known(name)
                Standard.print(json ? scheme.rulesJSON.fitted(to: 110) : Self.text(of: scheme))
            } else {
                Standard.print(
                    json
                        ? JSONValue.array(NamingScheme.all.map(Self.entry)).fitted(to: 110)
                        : Self.list(NamingScheme.all))
            }
        }
    }

    private static func entry(_ scheme: NamingScheme) -> JSONValue {
        .object([
            "name": .string(scheme.name), "title": .string(scheme.title),
            "fingerprint": .strings(scheme.fingerprint), "prefix": .string(scheme.prefix),
            "conventions": scheme.conventions.rulesJSON,
        ])
    }

    private static func list(_ schemes: [NamingScheme]) -> String {
        var rows = [["SCHEME", "OF", "EPSILON", "GELU", "PREFIX", "KNOWN BY"]]
        for scheme in schemes {
            let conventions = scheme.conventions
            rows.append([
                scheme.name, scheme.title, conventions.layerNormEpsilon.map { "\($0)" } ?? "-",
                conventions.gelu?.rawValue ?? "-", scheme.prefix.isEmpty ? "-" : scheme.prefix,
                scheme.fingerprint.joined(separator: ", "),
            ])
        }
        return Text.table(rows)
    }

    private static func text(of scheme: NamingScheme) -> String {
        var facts = [["scheme", scheme.name], ["of", scheme.title]]
        facts.append(["known by", scheme.fingerprint.joined(separator: ", ")])
        if !scheme.prefix.isEmpty { facts.append(["prefix", scheme.prefix]) }
        if scheme.headlessPrefix != scheme.prefix {
            facts.append(["", scheme.headlessPrefix.isEmpty ? "none" : scheme.headlessPrefix])
            facts[facts.count - 1][1] += " for a model without a head"
        }
        for member in scheme.conventions.rulesJSON.members ?? [] {
            let words = member.value.array?.map { $0.string ?? $0.compact }.joined(separator: ", ")
            facts.append([
                conventionTitles[member.key] ?? member.key,
                words ?? member.value.string ?? member.value.compact,
            ])
        }
        var parts = [Text.table(facts), "rows:\n" + table(scheme.rules)]
        if !scheme.outsideHead.isEmpty {
            parts.append("rows for a head beside the prefix:\n" + table(scheme.outsideHead))
        }
        for (title, exemptions) in [("left out", scheme.ignored), ("not computed", scheme.unsupported)]
        where !exemptions.isEmpty {
            let rows = exemptions.map { entry in
                let beside = entry.companion.map { " (beside \($0))" } ?? ""
                return ["  \(entry.template)", entry.reason + beside]
            }
            parts.append("\(title):\n" + Text.table(rows))
        }
        return parts.joined(separator: "\n\n")
    }

    private static let conventionTitles = [
        "layerNormEpsilon": "LayerNorm epsilon", "gelu": "GELU", "poolings": "features from",
        "positions": "positions of", "std": "standard deviation",
    ]

    /// One line for each source; what its row makes of it stands beside the first.
    private static func table(_ rows: [MappingRule]) -> String {
        Text.table(
            rows.flatMap { row in
                var remarks = row.operations.map(\.description)
                if let rank = row.rank { remarks.append("of \(rank) axes") }
                remarks += row.assuming.sorted { $0.key < $1.key }.map { "with \($0.key) = \($0.value)" }
                if let condition = row.condition { remarks.append(condition.description) }
                return (0..<max(row.sources.count, row.targets.count)).map { line in
                    let source = line < row.sources.count ? row.sources[line].pattern : ""
                    let target = line < row.targets.count ? row.targets[line].pattern : ""
                    let remark = line == 0 ? remarks.joined(separator: "; ") : ""
                    let cells = ["  " + source, line == 0 ? "→" : "", target, remark]
                    return Array(cells.prefix(remark.isEmpty ? target.isEmpty ? 1 : 3 : 4))
                }
            })
    }
}
