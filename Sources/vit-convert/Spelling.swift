import ArgumentParser
import ViTToolkit

/// What the argument parser cannot know to be a slip: it takes a mistyped subcommand for the first argument of the
/// default one.
enum Spelling {
    /// - Throws: `ValidationError` when the first word is no file but looks like a subcommand.
    static func check(_ arguments: [String]) throws {
        guard let word = arguments.first, !word.isEmpty, !word.hasPrefix("-"),
            !word.contains(where: { "./:*?[".contains($0) }), access(word, F_OK) != 0
        else { return }
        let names = Command.configuration.subcommands.map { $0._commandName } + ["help"]
        guard !names.contains(word) else { return }
        var search = NearestName(among: names)
        guard let nearest = search.nearest(to: word.lowercased()) else { return }
        throw ValidationError("No file and no subcommand is called '\(word)'. Did you mean '\(nearest)'?")
    }
}
