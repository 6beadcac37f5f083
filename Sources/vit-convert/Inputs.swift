import ArgumentParser
import ViTToolkit

/// The files that a user named; shell patterns that the shell did not fill in are filled in here.
struct Inputs {
    let paths: [String]
    /// Whether results are a list, however many there are.
    let areSeveral: Bool

    init(_ words: [String]) {
        var paths: [String] = []
        var areSeveral = words.count > 1
        for word in words {
            let found = Self.files(matching: word)
            // A pattern that nothing matches is taken as a name, and then missed by it.
            paths += found ?? [word]
            if found != nil { areSeveral = true }
        }
        self.paths = paths
        self.areSeveral = areSeveral
    }

    /// Sorted by name; nil for what is the name of a file, or no pattern, or matches nothing.
    private static func files(matching word: String) -> [String]? {
        guard word.contains(where: { "*?[".contains($0) }), !word.contains("://"), access(word, F_OK) != 0
        else { return nil }
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(word, 0, nil, &found) == 0 else { return nil }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}

/// What became of one input.
struct Outcome {
    var json: () -> JSONValue
    var text: () -> String
    /// 0 or 1.
    var code: Int32 = 0
}

extension Inputs {
    /// Does the same for each input and prints what is found. One of several that fails does not keep the others from
    /// their turn, and the worst exit code is the command's.
    ///
    /// - Parameter unreadable: the JSON of an input that cannot be read.
    func report(
        asJSON: Bool, unreadable: ((CheckpointError, String) -> JSONValue)? = nil,
        _ body: (String) throws -> Outcome
    ) throws {
        guard areSeveral else {
            let finding = try job {
                do {
                    return try body(paths[0])
                } catch {
                    if asJSON, let unreadable, let error = error as? CheckpointError {
                        Standard.print(unreadable(error, WebAddress.shown(paths[0])).pretty)
                    }
                    throw error
                }
            }
            Standard.print(asJSON ? finding.json().pretty : finding.text())
            if finding.code != 0 { throw ExitCode(finding.code) }
            return
        }
        var values: [JSONValue] = []
        var worst: Int32 = 0
        for path in paths {
            do {
                let finding = try body(path)
                worst = max(worst, finding.code)
                if asJSON { values.append(finding.json()) } else { Standard.print(finding.text() + "\n") }
            } catch {
                let failure = Failure(underlying: error)
                if failure.isUsage { throw failure }
                worst = 2
                let name = WebAddress.shown(path)
                Standard.error.write("vit-convert: \(error)\n")
                values.append(
                    (error as? CheckpointError).flatMap { unreadable?($0, name) }
                        ?? .object(["file": .string(name), "error": .string("\(error)")]))
            }
        }
        if asJSON { Standard.print(JSONValue.array(values).pretty) }
        if worst != 0 { throw ExitCode(worst) }
    }
}
