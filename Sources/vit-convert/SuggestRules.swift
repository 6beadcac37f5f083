import ArgumentParser
import ViTToolkit

struct SuggestRules: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draft a rules file for a checkpoint whose names no scheme knows.",
        discussion: """
            The draft is made from shapes, the number that counts the blocks, and the words in names. Rows that are \
            doubtful carry a "note"; tensors without a place stand under "unplaced". Read it before you use it.

            EXAMPLES
              vit-convert suggest-rules my_vit.pth > my_vit.json
              vit-convert suggest-rules checkpoint.pt --select ema -o my_vit.json
              vit-convert my_vit.pth out.swt --rules my_vit.json
            """)

    @Argument(help: "The checkpoint.", completion: .file())
    var file: String

    @Option(help: "Which nested dictionary holds the weights (state_dict_ema, say).")
    var select: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write instead of standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    func run() throws {
        try job {
            let suggestion = try suggestRules(for: try Streams.checkpoint(file, .ranges), select: select)
            let text = suggestion.json.fitted(to: 110)
            if let output {
                try save(text: text + "\n", to: output)
            } else {
                Standard.print(text)
            }
            Standard.remark(suggestion.remarks)
        }
    }
}
