import ArgumentParser
import ViTToolkit

extension CompletionKind {
    /// Names that are worked out only when somebody asks for them.
    static let schemes = CompletionKind.custom { _, _, _ in NamingScheme.all.map(\.name) }
    static let variants = CompletionKind.custom { _, _, _ in ViTVariant.all.map(\.name) }
    static let references = CompletionKind.file(extensions: ["npz", "safetensors"])
}

/// The scripts that complete words in shells. As the argument parser makes them they know the default subcommand by
/// name only; here a first word that is no subcommand stands for it, as it does for the command.
enum CompletionScript {
    /// What the command's arguments ask for, if it is a script for a shell that is named.
    static func asked(by arguments: [String]) -> String? {
        let flag = "--generate-completion-script"
        let words = arguments.count == 1 ? arguments[0].split(separator: "=").map(String.init) : arguments
        guard words.first == flag, words.count <= 2,
            let shell = words.count == 2
                ? CompletionShell(rawValue: words[1]) : CompletionShell.autodetected()
        else { return nil }
        return heedingDefault(Command.completionScript(for: shell), shell)
    }

    private static func heedingDefault(_ script: String, _ shell: CompletionShell) -> String {
        var script = script
        for (place, addition) in additions(to: script, shell) {
            // Of a parser that writes other scripts, they stay as it writes them.
            guard let range = script.firstRange(of: place) else { continue }
            script.insert(contentsOf: addition, at: range.lowerBound)
        }
        return script
    }

    /// Lines, and before which they go.
    private static func additions(to script: String, _ shell: CompletionShell) -> [(String, String)] {
        switch shell {
        case .bash: [("        # Offer subcommand completions\n", bash)]
        case .zsh:
            [
                ("        _describe -V subcommand subcommands", "        _files && ret=0\n"),
                ("        esac\n        ;;\n    esac\n", zsh),
            ]
        case .fish:
            [("        end\n    end\nend\n", fish(script)), ("complete -c 'vit-convert' -f\n", fishFiles)]
        default: []
        }
    }

    private static let bash = """
                # Offer what the default subcommand takes; after the first word, that alone
                local -ir later="${#unparsed_words[@]}"
                unparsed_words=("${subcommand}" "${unparsed_words[@]}")
                _vit-convert_convert
                [[ "${later}" -gt 0 ]] && return

        """

    private static let zsh = """
                *)
                    words=(convert "${words[@]}")
                    ((CURRENT++))
                    _vit-convert_convert && ret=0
                    ;;

        """

    /// The words of the default subcommand are taken apart as after its name.
    private static func fish(_ script: String) -> String {
        let heading = "        case 'convert'\n"
        guard let start = script.firstRange(of: heading)?.upperBound else { return "" }
        let parsing = script[start...].prefix { $0 != "\n" }
        return """
                    case '*'
                        if test (count $unparsed_tokens) -gt 0
                            set -p unparsed_tokens convert
                \(parsing)
                        end

            """
    }

    private static let fishFiles = """
        complete -c 'vit-convert' -n '__vit-convert_should_offer_completions_for_positional "vit-convert" -eq 1' -F

        """
}
