/// Many names shown as few: `blocks.{0…11}.attn.qkv.weight (12)`.
package struct NameFolding {
    /// Names that differ in their numbers only.
    package struct Fold: Sendable, Equatable {
        /// The name with the numbers that vary in braces.
        package let name: String
        /// The names that it stands for, in the order in which they came.
        package let members: [Int]

        /// The name, and how many it stands for when that is more than one.
        package var text: String { members.count > 1 ? "\(name) (\(members.count))" : name }
    }

    /// Folds names; those with different notes stay apart. The order is that of the first of each fold.
    package static func fold(_ names: [String], notes: [String]? = nil) -> [Fold] {
        var groups: [[String]: [Int]] = [:]
        var order: [[String]] = []
        let parts = names.map(split)
        for (index, name) in parts.enumerated() {
            let key = name.texts + [notes?[index] ?? ""]
            if groups[key]?.append(index) == nil {
                groups[key] = [index]
                order.append(key)
            }
        }
        return order.map { key in
            let members = groups[key] ?? []
            let texts = key.dropLast()
            var name = texts.first ?? ""
            for (place, text) in texts.dropFirst().enumerated() {
                name += numbers(members.map { parts[$0].numbers[place] }) + text
            }
            return Fold(name: name, members: members)
        }
    }

    /// The digits at `{0…11}`: a range when all are there, a list otherwise, the number itself when it is one.
    private static func numbers(_ digits: [String]) -> String {
        let distinct = Set(digits)
        let values = distinct.compactMap { Int($0) }.sorted()
        guard distinct.count > 1, let first = values.first, let last = values.last else {
            return digits.first ?? ""
        }
        let isRange = values.count > 2 && last - first == values.count - 1
        return isRange ? "{\(first)…\(last)}" : "{" + values.map(String.init).joined(separator: ",") + "}"
    }

    /// A name cut into its runs of digits and the texts around them (one more than runs).
    ///
    /// Digits within a word (`norm1`, `fc2`) tell kinds of tensors apart and belong to the text.
    private static func split(_ name: String) -> (texts: [String], numbers: [String]) {
        var texts = [""]
        var numbers: [String] = []
        var word = ""
        func endWord() {
            if !word.isEmpty, word.count < 10, word.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) {
                numbers.append(word)
                texts.append("")
            } else {
                texts[texts.count - 1] += word
            }
            word = ""
        }
        for character in name {
            if character == "." || character == "/" || character == "_" {
                endWord()
                texts[texts.count - 1].append(character)
            } else {
                word.append(character)
            }
        }
        endWord()
        return (texts, numbers)
    }
}
