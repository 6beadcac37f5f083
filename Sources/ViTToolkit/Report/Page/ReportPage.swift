import Checkpoints
import TensorCore

/// A page that stands by itself: one file, nothing from the network, the same bytes for the same contents.
struct ReportPage {
    /// How a verdict is to be taken.
    enum Mood: String {
        case good, bad, neutral
    }

    struct Section {
        let title: String
        /// A sentence or two on what is shown.
        var note: String?
        let content: Markup
    }

    /// The subcommand.
    let command: String
    /// What the page is about, the files' names for instance.
    let title: String
    /// What was found, in a few words.
    let verdict: (text: String, mood: Mood)
    /// What stands above everything else: a number each, and what it counts.
    let figures: [(value: String, label: String)]
    let sections: [Section]

    /// The whole page. A policy in it allows its own style and script and nothing else, so that whatever a file's
    /// names could smuggle in stays inert.
    var text: String { page.source }

    private var page: Markup {
        let style = Markup(trusted: "\n" + ReportStyle.source)
        let script = Markup(trusted: "\n" + ReportScript.source)
        return """
            <!DOCTYPE html>
            <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
            <head>
            <meta charset="utf-8"/>
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            style-src '\(Self.hash(style))'; script-src '\(Self.hash(script))'; img-src data:; base-uri 'none'; \
            form-action 'none'"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            <meta name="referrer" content="no-referrer"/>
            <title>\(title): \(command)</title>
            <style>\(style)</style>
            </head>
            <body>
            <header>
            <p class="command">vit-convert \(command)</p>
            <h1>\(title)</h1>
            <p class="verdict \(verdict.mood.rawValue)">\(verdict.text)</p>
            \(numbers)</header>
            <main>
            \(Markup(sections.enumerated().map(Self.section)))</main>
            <script>\(script)</script>
            </body>
            </html>

            """
    }

    private var numbers: Markup {
        guard !figures.isEmpty else { return "" }
        let items = figures.map { "<div><dt>\($0.label)</dt><dd>\($0.value)</dd></div>\n" as Markup }
        return "<dl class=\"figures\">\n\(Markup(items))</dl>\n"
    }

    private static func section(_ number: Int, _ section: Section) -> Markup {
        let note: Markup = section.note.map { "<p class=\"note\">\($0)</p>\n" } ?? ""
        return """
            <section aria-labelledby="s\(number)">
            <h2 id="s\(number)">\(section.title)</h2>
            \(note)\(section.content)</section>

            """
    }

    private static func hash(_ content: Markup) -> String {
        "sha256-" + Base64.text(of: Digest.sha256(of: content.source))
    }
}

extension ReportPage {
    /// Names and what belongs to them.
    static func facts(_ rows: [(name: String, value: Markup)]) -> Markup {
        let items = rows.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>\n" as Markup }
        return "<dl class=\"facts\">\n\(Markup(items))</dl>\n"
    }

    /// A list, a line each.
    static func list(_ items: [Markup]) -> Markup {
        "<ul>\n\(Markup(items.map { "<li>\($0)</li>\n" }))</ul>\n"
    }
}
