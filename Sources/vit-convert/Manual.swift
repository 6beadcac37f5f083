import ArgumentParser
import ViTToolkit

/// Prints the manual page, which is made of the declarations of the arguments.
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manual page, for man.",
        discussion: """
            EXAMPLES
              vit-convert manual > /usr/local/share/man/man1/vit-convert.1
              vit-convert manual | man -l -
            """)

    func run() throws {
        try job { Standard.print(try ManualPage(JSONParser.parse(Array(Command._dumpHelp().utf8))).text) }
    }
}

/// A page in the language of man(7), from what swift-argument-parser says of a command as JSON.
struct ManualPage {
    private(set) var text = ""

    init(_ description: JSONValue) {
        guard let command = description["command"] else { return }
        line(".TH VIT-CONVERT 1 \"\" \"vit-convert \(Version.number)\" \"User Commands\"")
        section("NAME", "vit-convert - \(Self.sentence(command["abstract"]))")
        line(".SH SYNOPSIS")
        line(".B vit-convert\n.I subcommand\n\\&.\\|.\\|.\n.br\n.B vit-convert\n.I in out")
        line(".SH DESCRIPTION")
        discussion(command["discussion"]?.string ?? "")
        line(".SH SUBCOMMANDS")
        for entry in command["subcommands"]?.array ?? [] where entry["commandName"]?.string != "help" {
            subcommand(entry)
        }
        line(".SH ENVIRONMENT")
        for (name, meaning) in Self.environment { item(".B \(name)", meaning) }
    }

    private static let environment = [
        (
            "VIT_CONVERT_BLAS",
            "A library with the CBLAS interface for matrix products, or \"portable\" for none."
        ),
        ("VIT_CONVERT_HDF5", "The libhdf5 that is loaded."),
        ("VIT_CONVERT_DEFLATE", "The libdeflate that is loaded, or \"zlib\" for none."),
        ("VIT_CONVERT_CURL", "The libcurl that is loaded."),
        ("VIT_CONVERT_TURBOJPEG", "The libturbojpeg that is loaded."),
        ("VIT_CONVERT_PNG", "The libpng that is loaded."),
        (
            "CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR",
            "The certificates that a web server's is proved by, in place of the system's."
        ),
        ("http_proxy, https_proxy, no_proxy", "The way to web servers, as curl takes it."),
        ("NO_COLOR", "Where it is set and not empty, no colours."),
        ("COLUMNS", "The width of tables, on a terminal."),
        (
            "TMPDIR",
            "Where what comes through a pipe or from a web server is kept, in a file without a name; else /var/tmp."
        ),
    ]

    private mutating func line(_ line: String) { text += line + "\n" }

    private mutating func section(_ title: String, _ body: String) {
        line(".SH \(title)")
        line(Self.escaped(body))
    }

    private mutating func item(_ title: String, _ body: String) {
        line(".TP")
        line(title)
        line(Self.escaped(body))
    }

    private mutating func subcommand(_ command: JSONValue) {
        let name = command["commandName"]?.string ?? ""
        let arguments = (command["arguments"]?.array ?? []).filter { $0["shouldDisplay"]?.bool ?? true }
        let positional = arguments.filter { $0["kind"]?.string == "positional" }
        line(
            ".SS \(Self.escaped(name)) \(positional.map { "\\fI\(Self.value(of: $0))\\fR" }.joined(separator: " "))"
        )
        line(Self.escaped(Self.sentence(command["abstract"]) + "."))
        discussion(command["discussion"]?.string ?? "")
        for argument in arguments where argument["abstract"]?.string != nil {
            var body = argument["abstract"]?.string ?? ""
            if let standard = argument["defaultValue"]?.string { body += " (default: \(standard))" }
            item(Self.title(of: argument), body)
        }
    }

    private static func sentence(_ value: JSONValue?) -> String {
        let text = value?.string ?? ""
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    private static func value(of argument: JSONValue) -> String {
        let name = escaped(argument["valueName"]?.string ?? "")
        return argument["isRepeating"]?.bool == true ? name + "\\fR\\|.\\|.\\|." : name
    }

    /// `--top top`, or the name of an argument by place.
    private static func title(of argument: JSONValue) -> String {
        guard argument["kind"]?.string != "positional" else { return "\\fI\(value(of: argument))\\fR" }
        let names = (argument["names"]?.array ?? []).map { name in
            let dashes = name["kind"]?.string == "short" ? "-" : "--"
            return "\\fB\(escaped(dashes + (name["name"]?.string ?? "")))\\fR"
        }
        let isOption = argument["kind"]?.string == "option"
        return names.joined(separator: ", ")
            + (isOption ? " \\fI\(escaped(argument["valueName"]?.string ?? ""))\\fR" : "")
    }

    /// Paragraphs stay paragraphs; words in capitals alone are headings, what is indented stays as it stands.
    private mutating func discussion(_ discussion: String) {
        var isPlain = false
        for text in discussion.split(separator: "\n", omittingEmptySubsequences: false) {
            if isPlain != text.hasPrefix("  ") {
                line(isPlain ? ".EE" : ".EX")
                isPlain.toggle()
            }
            if text.isEmpty {
                if !self.text.hasSuffix(".PP\n") { line(".PP") }
            } else if !isPlain, text == text.uppercased(), text.contains(where: \.isLetter) {
                line(".B \(Self.escaped(String(text)))\n.br")
            } else {
                line(Self.escaped(String(text)))
            }
        }
        if isPlain { line(".EE") }
    }

    /// What troff reads in any locale: `\[u2026]`.
    private static func glyph(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "\\[u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
    }

    private static func escaped(_ text: String) -> String {
        let result = text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case _ where character.isASCII: result.append(character)
            default: result += character.unicodeScalars.map(glyph).joined()
            }
        }
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }
}
