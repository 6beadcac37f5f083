/// Tells what naming a Python global means. The one place where that is decided; the lists are beside it.
///
/// A list of what is dangerous is never whole, so it is not the first line: what our readers give meaning to is
/// known, and the standard library, which is on every machine, is dangerous but for what is listed as harmless. Of
/// other packages, whose classes fill checkpoints, those are dangerous that are known to run, load, fetch or
/// evaluate something. The lists were compared with what picklescan, fickling and modelscan look for, and with
/// the advisories about what went past them.
enum GlobalJudge {
    typealias Judgement = (verdict: SecurityVerdict, reason: String)

    /// The longest name that is taken for one, in UTF-8 bytes. TorchScript writes the longest that are real, of a
    /// hundred or two; what goes on for longer was made to be looked at for long.
    static let longestName = 512
    /// The most parts between dots, likewise.
    static let mostParts = 32

    static let tooLong: Judgement = (.dangerous, "longer than any name that code has")

    static func isTooLong(_ global: PickleGlobal) -> Bool {
        let (module, name) = (global.module.utf8, global.name.utf8)
        guard module.count <= longestName, module.count + name.count < longestName else { return true }
        return dots(module) + dots(name) + 2 > mostParts
    }

    private static func dots(_ text: String.UTF8View) -> Int {
        text.reduce(0) { $1 == UInt8(ascii: ".") ? $0 + 1 : $0 }
    }

    /// A name is judged by every way to cut it into module and attributes: `torch.serialization` and `os.system`
    /// is `os.system`, since a module's attributes are also what it imported.
    static func judge(_ global: PickleGlobal) -> Judgement {
        guard !isTooLong(global) else { return tooLong }
        let description = global.description
        if known.contains(description) { return (.known, "a constructor of plain data or tensors") }
        guard !global.module.isEmpty, !global.name.isEmpty,
            description.unicodeScalars.allSatisfy({ $0 != " " && !EscapedText.isTreacherous($0) })
        else { return (.dangerous, "no name that Python could have written") }
        let module = global.module.split(separator: ".", omittingEmptySubsequences: false)
        let name = global.name.split(separator: ".", omittingEmptySubsequences: false)
        let parts = module + name
        var worst = direct(parts, moduleCount: module.count)
        if worst.verdict != .dangerous, let found = attribute(name, of: parts.first ?? "") { worst = found }
        for start in 1..<parts.count where worst.verdict != .dangerous {
            // Behind the name of a package a module of the same name as Python's is the package's own.
            let isAttribute = start >= module.count
            guard isAttribute ? isReachable(parts[start...]) : nested.contains(String(parts[start])) else {
                continue
            }
            let found = direct(
                Array(parts[start...]), moduleCount: max(1, module.count - start), isCertain: !isAttribute)
            if found.verdict == .dangerous {
                let path = parts[start...].joined(separator: ".")
                worst = (.dangerous, "\(found.reason) (\(path), reached through \(parts[start - 1]))")
            }
        }
        return worst
    }

    /// Whether both parts look like names that somebody gave.
    static func isName(_ global: PickleGlobal) -> Bool {
        [global.module, global.name].allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isOfNames) }
    }

    private static func isOfNames(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "_"), UInt8(ascii: "."), 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// What the attributes themselves give away.
    private static func attribute(_ name: [Substring], of package: Substring) -> Judgement? {
        for (index, part) in name.enumerated() {
            let isLast = index == name.count - 1
            if part.hasPrefix("__"), part.hasSuffix("__"), part.count > 4,
                !(isLast && constructors.contains(String(part)))
            {
                return (.dangerous, "reaches into Python's own machinery by \(part)")
            }
            if package != "__torch__", let reason = tellingNames[String(part)] { return (.dangerous, reason) }
        }
        return nil
    }

    /// Whether attributes may begin with a module that was imported there.
    private static func isReachable(_ parts: ArraySlice<Substring>) -> Bool {
        guard let first = parts.first, dangerousRoots.contains(first) else { return false }
        return parts.count > 1 || !commonWords.contains(String(first))
    }

    /// The verdict on a path as it stands, whose first `moduleCount` parts are the module.
    ///
    /// - Parameter isCertain: whether the path begins with a module, and does not only look like it.
    private static func direct(_ parts: [Substring], moduleCount: Int, isCertain: Bool = true) -> Judgement {
        let path = parts.joined(separator: ".")
        if known.contains(path) { return (.known, "a constructor of plain data or tensors") }
        if harmless.contains(path) {
            return (.foreign, "a harmless part of Python; what it is given is judged by its own name")
        }
        // The longest beginning that a list knows decides.
        for length in stride(from: min(parts.count, deepest), through: 1, by: -1) {
            let prefix = parts[..<length].joined(separator: ".")
            if let reason = dangerousModules[prefix] { return (.dangerous, reason) }
            if harmlessModules.contains(prefix) {
                // A module of plain classes still has functions below them: pathlib's Path.unlink.
                // Private functions of plain modules run commands (uuid) and evaluate text (dataclasses).
                let isPrivate = standardLibrary.contains(parts[0]) && parts[parts.count - 1].hasPrefix("_")
                let isPlain = length < parts.count && !isPrivate || parts.count == 1
                if isPlain, parts.count - max(length, moduleCount) <= 1 || !standardLibrary.contains(parts[0])
                {
                    return (
                        .foreign, standardLibrary.contains(parts[0]) ? "a harmless part of Python" : foreign
                    )
                }
                return (.dangerous, "an inner part of Python's \(prefix)")
            }
        }
        if isCertain, standardLibrary.contains(parts[0]) {
            return (.dangerous, "a part of Python that no checkpoint needs")
        }
        return (.foreign, parts[0] == "__torch__" ? torchScript : foreign)
    }

    /// The most parts that a module or function on the lists has.
    private static let deepest =
        (Array(dangerousModules.keys) + Array(harmlessModules))
        .map { $0.utf8.count { $0 == UInt8(ascii: ".") } + 1 }.max() ?? 1
    private static let foreign = "Python would import and call it"
    private static let torchScript = "a class of TorchScript, built by TorchScript's own interpreter"
}
