import Parity

/// A table that a reader of the page can sort by any column and search.
struct ReportTable {
    struct Column {
        let title: String
        /// Whether it is sorted as numbers, and set flush right.
        var isNumeric = false
        /// Whether it can be sorted by.
        var isSortable = true
    }

    struct Cell {
        let content: Markup
        /// What it is sorted by where that is not its text.
        var key: String?

        init(_ content: Markup, key: String? = nil) {
            self.content = content
            self.key = key
        }

        /// A number in short, sorted by all of its digits; nothing where there is none.
        init(_ value: Double?, text: (Double) -> String = Quantity.short) {
            guard let value else {
                self.init("")
                return
            }
            self.init("\(text(value))", key: Self.key(value))
        }

        /// As JSON spells the number, and JavaScript reads it.
        private static func key(_ value: Double) -> String {
            value.isFinite ? "\(value)" : value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
        }
    }

    /// The table's own name in the page.
    let id: String
    let caption: String
    /// What a row is called, and several.
    let noun: (one: String, many: String)
    let columns: [Column]
    /// The first cell of each is the row's name.
    let rows: [[Cell]]
    /// Classes of rows, by number.
    var rowClasses: [Int: String] = [:]
    /// How many rows there would be, if not all are shown.
    var total: Int?

    var markup: Markup {
        let heads = columns.map { column -> Markup in
            let classes = [column.isNumeric ? "n" : nil, column.isSortable ? "s" : nil].compactMap { $0 }
            return "<th scope=\"col\" class=\"\(classes.joined(separator: " "))\">\(column.title)</th>"
        }
        let name = rows.count == 1 ? noun.one : noun.many
        let heading: Markup =
            if let total, total > rows.count { "\(caption): the first \(rows.count) of \(total)" } else {
                "\(caption)"
            }
        return """
            <div class="tool" hidden="hidden"><label for="\(id)-q">Search</label>\
            <input type="search" id="\(id)-q" data-table="\(id)" autocomplete="off" spellcheck="false"/>\
            <output for="\(id)-q" data-noun="\(name)">\(rows.count) \(name)</output></div>
            <div class="wide" tabindex="0" role="region" aria-label="\(caption)">
            <table id="\(id)"><caption>\(heading)</caption>
            <thead><tr>\(Markup(heads))</tr></thead>
            <tbody>
            \(Markup(rows.enumerated().map(row)))</tbody></table></div>

            """
    }

    private func row(_ number: Int, _ cells: [Cell]) -> Markup {
        let content = zip(columns, cells).enumerated().map { place, pair -> Markup in
            let (column, cell) = pair
            let key: Markup = cell.key.map { " data-v=\"\($0)\"" } ?? ""
            if place == 0 { return "<th scope=\"row\"\(key)>\(cell.content)</th>" }
            return "<td\(column.isNumeric ? " class=\"n\"" : "" as Markup)\(key)>\(cell.content)</td>"
        }
        let kind: Markup = rowClasses[number].map { " class=\"\($0)\"" } ?? ""
        return "<tr\(kind)>\(Markup(content))</tr>\n"
    }
}

extension ReportTable {
    /// More than anybody looks through, or a browser scrolls with ease.
    static let mostRows = 4_000

    /// A table of the first ``mostRows`` of some items, which says so where there are more.
    init<Item>(
        id: String, caption: String, noun: (one: String, many: String), columns: [Column], of items: [Item],
        row: (Item) -> [Cell]
    ) {
        self.init(
            id: id, caption: caption, noun: noun, columns: columns,
            rows: items.prefix(Self.mostRows).map(row), total: items.count)
    }
}

extension ReportTable.Cell {
    /// Three digits and an exponent, as the text of the command has it.
    static func error(_ value: Double?) -> Self { Self(value) { Digits.text($0) } }

    /// Eight places, since cosines of interest lie near one.
    static func cosine(_ value: Double?) -> Self { Self(value) { Digits.text($0, places: 8) } }
}
