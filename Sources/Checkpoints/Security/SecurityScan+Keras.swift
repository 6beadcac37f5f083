import TensorCore

/// The configuration of a Keras model names classes and functions as a pickle does, and may carry compiled code.
extension SecurityScan {
    private static let longestText = 16 << 20
    /// A model of a thousand layers has some fifty thousand.
    private static let mostValues = 400_000

    mutating func visitKeras(_ bytes: ByteRegion, named name: String) throws {
        guard bytes.count <= Self.longestText else { return problem("\(name) is larger than 16 MiB") }
        guard isAllowed(name) else { return }
        spend(bytes.count)
        visitKeras(text: try bytes.array(), named: name)
    }

    mutating func visitKeras(text: [UInt8], named name: String) {
        do {
            visitKeras(try JSONParser.parse(text, mostValues: Self.mostValues), named: name)
        } catch {
            problem("\(name): \(error)")
        }
    }

    private mutating func visitKeras(_ value: JSONValue, named name: String) {
        // The parser caps the depth.
        for element in value.array ?? [] { visitKeras(element, named: name) }
        guard let members = value.members else { return }
        guard !visitKeras(object: value, named: name) else { return }
        for member in members { visitKeras(member.value, named: name) }
    }

    /// - Returns: whether there is nothing more to learn from what is in the object.
    private mutating func visitKeras(object: JSONValue, named name: String) -> Bool {
        guard let kind = object["class_name"]?.string else { return false }
        let config = object["config"]
        let layer = config?["name"]?.string.map { " of the layer \($0)" } ?? ""
        if kind == "__lambda__" || kind == "Lambda" && carriesCode(config) {
            finding(
                .code, name, "the \(kind)\(layer) carries compiled Python code, which Keras would run",
                verdict: .dangerous)
            return true
        }
        if kind == "TorchModuleWrapper" {
            finding(
                .code, name, "the TorchModuleWrapper\(layer) carries a pickle, which Keras would load",
                verdict: .dangerous)
        }
        if ["StringLookup", "IntegerLookup", "TextVectorization"].contains(kind),
            let file = config?["vocabulary"]?.string
        {
            finding(.otherFile, name, "the \(kind)\(layer) reads the file \(file)")
        }
        guard let module = object["module"]?.string else { return false }
        let isFunction = kind == "function"
        let called = isFunction ? config?.string ?? kind : kind
        let global = PickleGlobal(module: module, name: called).shortened
        if isFunction, module == "builtins" || module == "__main__" {
            note(global, (.foreign, "a function that has to be registered under this name"), count: 1)
            return false
        }
        var judgement = GlobalJudge.judge(global)
        let package = module.split(separator: ".").first ?? ""
        if ["keras", "tf_keras", "keras_hub", "keras_nlp", "keras_cv"].contains(package) {
            let isDangerous = GlobalJudge.tellingNames[called] != nil
            judgement =
                isDangerous ? judgement : (.known, "a class or function of Keras")
        }
        note(global, judgement, count: 1)
        if judgement.verdict == .dangerous {
            let arguments = (config ?? .null).beginning(PickleSymbol.longest)
            record(
                .init(
                    text: EscapedText.plain("\(global)(**\(arguments))"),
                    verdict: .dangerous, opcode: "CONFIG", pickle: EscapedText.plain(name), offset: 0))
        }
        return false
    }

    /// Keras 2 has the code itself as `function`, in base 64; Keras 3 an object of the class `__lambda__`.
    private func carriesCode(_ config: JSONValue?) -> Bool {
        guard let config else { return false }
        return ["function", "output_shape", "mask"].contains { key in
            let type = config[key + "_type"]?.string
            if type == "lambda" { return true }
            if let parts = config[key]?.array, key == "function", type != "function" {
                return parts.first?.string != nil
            }
            return config[key]?["class_name"]?.string == "__lambda__"
        }
    }
}

extension JSONValue {
    /// The first characters of its compact form, without the rest having been written.
    fileprivate func beginning(_ count: Int) -> Substring {
        var room = count
        return trimmed(&room).compact.prefix(count)
    }

    private func trimmed(_ room: inout Int) -> JSONValue {
        func cut(_ text: String) -> String {
            let start = String(text.unicodeScalars.prefix(max(0, room)))
            room -= start.utf8.count
            return start
        }
        room -= 1
        switch self {
        case .string(let text): return .string(cut(text))
        case .array(let values):
            var kept: [JSONValue] = []
            for value in values where room > 0 { kept.append(value.trimmed(&room)) }
            return .array(kept)
        case .object(let members):
            var kept: [Member] = []
            for member in members where room > 0 {
                let key = cut(member.key)
                kept.append(Member(key, member.value.trimmed(&room)))
            }
            return .object(kept)
        default: return self
        }
    }
}
