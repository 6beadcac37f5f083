/// Values of a pickle in a few words, for listings.
enum PickleText {
    private static let longest = 60

    static func type(of value: PickleValue, in graph: PickleGraph = PickleGraph()) -> String {
        switch value {
        case .none: return "None"
        case .bool: return "bool"
        case .integer, .wideInteger: return "int"
        case .real: return "float"
        case .text: return "str"
        case .node:
            switch graph.node(value) {
            case .list: return "list"
            case .tuple: return "tuple"
            case .set: return "set"
            case .dictionary: return "dict"
            case .bytes: return "bytes"
            case .global: return "global"
            case .persistent: return "storage"
            case .instance(let instance): return graph.global(instance.callable)?.description ?? "object"
            case nil: return "object"
            }
        }
    }

    /// A key of a dictionary as a part of a path.
    static func key(_ value: PickleValue, in graph: PickleGraph) -> String {
        if case .text(let text) = value { return text }
        if case .bytes(let region) = graph.node(value), let bytes = try? region.array() {
            return String(decoding: bytes, as: UTF8.self)
        }
        return short(value, in: graph)
    }

    /// The value as Python would print it, cut to one short line.
    static func short(_ value: PickleValue, in graph: PickleGraph) -> String {
        switch value {
        case .none: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .integer(let value): return String(value)
        case .wideInteger(let text): return cut(text)
        case .real(let value): return String(value)
        case .text(let text): return "'" + cut(text) + "'"
        case .node:
            guard let values = graph.sequence(value) else { return "<" + type(of: value, in: graph) + ">" }
            var words: [String] = []
            var length = 0
            for value in values {
                guard length < longest else {
                    words.append("… \(values.count) in all")
                    break
                }
                let word =
                    if case .node = value { "<" + type(of: value, in: graph) + ">" } else {
                        short(value, in: graph)
                    }
                words.append(word)
                length += word.count + 2
            }
            let isTuple = graph.tuple(value) != nil
            let trailing = isTuple && values.count == 1 ? "," : ""
            return (isTuple ? "(" : "[") + words.joined(separator: ", ") + trailing + (isTuple ? ")" : "]")
        }
    }

    private static func cut(_ text: String) -> String {
        // By scalars and from the start: a text that is referred to often is not gone through each time.
        let start = text.unicodeScalars.prefix(longest)
        return start.endIndex < text.endIndex ? String(start) + "…" : text
    }
}
