import TensorCore

/// An article of the documentation, held against the test file whose code it shows.
package struct Article {
    private let lines: [String]

    /// - Parameter name: the file's, without its ending.
    package init(_ name: String) throws {
        lines = try Self.lines(of: Fixtures.path("../Sources/ViTToolkit/ViTToolkit.docc/\(name).md"))
    }

    /// The lines that begin with one of these words.
    package func lines(beginningWith words: [String]) -> [String] {
        lines.filter { line in words.contains { line.hasPrefix($0) } }
    }

    /// The blocks of Swift code, line by line. Package manifests are left out: no test can hold one.
    package var code: [[String]] {
        blocks(in: "swift").filter { !($0.first ?? "").hasPrefix("// swift-tools-version") }
    }

    /// The blocks that are fenced as code in `language`.
    package func blocks(in language: String) -> [[String]] {
        var blocks: [[String]] = []
        var isInside = false
        for line in lines {
            if line.hasPrefix("```") {
                isInside = line == "```" + language
                if isInside { blocks.append([]) }
            } else if isInside {
                blocks[blocks.count - 1].append(line)
            }
        }
        return blocks
    }

    /// What stands between the lines `// example` and `// end` of a source file, without the marks' indentation.
    package static func examples(in file: String) throws -> [[String]] {
        var examples: [[String]] = []
        var indentation: Int?
        for line in try lines(of: file) {
            let text = line.drop { $0 == " " }
            switch (text, indentation) {
            case ("// example", nil):
                examples.append([])
                indentation = line.count - text.count
            case ("// end", _?): indentation = nil
            case (_, let width?): examples[examples.count - 1].append(String(line.dropFirst(width)))
            case (_, nil): continue
            }
        }
        return examples
    }

    private static func lines(of path: String) throws -> [String] {
        let bytes = try ByteRegion(OpenFile(path: path)).array()
        return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
