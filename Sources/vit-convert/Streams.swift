import ArgumentParser
import ViTToolkit

/// Files that are named by `-`, or by a shell for what another command puts out (`/dev/fd/63`).
enum Streams {
    static let word = "-"

    /// Standard input, read once for all who name it.
    private static let input = Result<OpenFile, any Error> {
        if isatty(STDIN_FILENO) != 0 {
            throw ToolkitError.usage(
                "standard input is a terminal: send a checkpoint to it (command | vit-convert …, or < FILE)")
        }
        return try file(STDIN_FILENO, named: "standard input")
    }

    private static func file(_ descriptor: Int32, named name: String) throws -> OpenFile {
        do {
            return try OpenFile(stream: descriptor, named: name)
        } catch {
            throw CheckpointError(error, path: name)
        }
    }

    /// The open file that a word stands for; nil for a path.
    private static func file(_ word: String) throws -> OpenFile? {
        if word == Self.word { return try input.get() }
        var status = stat()
        guard word.hasPrefix("/dev/fd/"), let number = Int32(word.dropFirst(8)), fstat(number, &status) == 0,
            status.st_mode & S_IFMT == S_IFIFO
        else { return nil }
        return try file(number, named: word)
    }

    /// The checkpoint that a user names.
    ///
    /// - Parameter remote: how much of a file on a web server may be fetched.
    static func checkpoint(_ word: String, _ remote: RemoteAccess = .whole) throws -> Checkpoint {
        try file(word).map { try Checkpoint(file: $0) } ?? Checkpoint(path: word, remote: remote)
    }

    /// The checkpoint that a user names, of which all values are going to be read.
    static func wholeCheckpoint(_ word: String) throws -> Checkpoint {
        let checkpoint = try checkpoint(word)
        try checkpoint.fetch()
        return checkpoint
    }

    /// What it would run when loaded in Python.
    static func security(_ word: String) throws -> SecurityReport {
        try file(word).map { try SecurityReport(file: $0) } ?? SecurityReport(path: word)
    }

    /// The output's name, and the form with what `-` means for it.
    static func output(_ word: String, _ form: inout OutputForm) throws -> String {
        guard word == Self.word else { return word }
        guard isatty(STDOUT_FILENO) == 0 else {
            throw ToolkitError.usage("standard output is a terminal: send it to a file or a command")
        }
        form.stream = STDOUT_FILENO
        return "standard output"
    }
}

extension OutputFormat: ExpressibleByArgument {
    /// An ending, without its dot.
    public init?(argument: String) {
        let ending = ".\(argument.lowercased())"
        guard let format = Self.allCases.first(where: { $0.endings.contains(ending) }) else { return nil }
        self = format
    }

    /// The usual endings.
    public static var allValueStrings: [String] { allCases.map(\.word) }

    /// The usual ending.
    public var defaultValueDescription: String { word }

    /// The usual ending, without its dot.
    private var word: String { String(endings[0].dropFirst()) }
}
