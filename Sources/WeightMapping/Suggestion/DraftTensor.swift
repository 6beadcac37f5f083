import TensorCore

/// A tensor, or the same tensor of every block, of a checkpoint whose names no scheme knows.
struct DraftTensor: Hashable {
    /// The name, the block's number in it as a placeholder.
    let name: NameTemplate
    let shape: [Int]
    /// Its place in the file.
    let order: Int

    /// - Returns: nil for a name with braces of its own, which no table can hold.
    init?(_ pattern: String, inBlock: Bool, shape: [Int], order: Int) {
        guard let name = try? NameTemplate(parsing: pattern), pattern.utf8.count <= 512,
            name.placeholders == (inBlock ? ["i"] : []), !name.hasAnything
        else { return nil }
        self.name = name
        self.shape = shape
        self.order = order
    }

    var pattern: String { name.pattern }

    /// The name's words in lower case, cut at separators, at digits and where a capital begins a word.
    var words: [String] { Self.words(of: pattern) }

    static func words(of name: String) -> [String] {
        var words: [String] = []
        var word = ""
        var previous: Character = "."
        for character in name {
            let isSeparator = !(character.isLetter || character.isNumber)
            let startsWord =
                isSeparator || character.isNumber != previous.isNumber
                || (character.isUppercase && previous.isLowercase)
            if startsWord, !word.isEmpty {
                words.append(word.lowercased())
                word = ""
            }
            if !isSeparator { word.append(character) }
            previous = character
        }
        if !word.isEmpty { words.append(word.lowercased()) }
        return words
    }
}

extension [String] {
    func containsAny(of words: Set<String>) -> Bool { contains { words.contains($0) } }
}
