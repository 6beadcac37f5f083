import ViTToolkit

/// Quantities as a person reads them.
enum Text {
    /// `412.7 MB`; decimal units, as disks and download pages count.
    static func bytes(_ count: Int) -> String {
        Quantity.bytes(count)
    }

    /// Four significant digits.
    static func short(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return String(value) }
        let magnitude = abs(value)
        if magnitude >= 1e-3, magnitude < 1e5 {
            let scale = magnitude >= 100 ? 10.0 : magnitude >= 1 ? 1000 : 100_000
            return String((value * scale).rounded() / scale)
        }
        var exponent = 0
        var digits = value
        while abs(digits) >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
        while abs(digits) < 1 { (digits, exponent) = (digits * 10, exponent - 1) }
        return "\((digits * 1000).rounded() / 1000)e\(exponent)"
    }

    /// Rows in columns, each as wide as its widest entry; the last one ragged.
    static func table(_ rows: [[String]]) -> String {
        guard let columns = rows.map(\.count).max() else { return "" }
        let widths = (0..<columns).map { column in
            min(72, rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0)
        }
        return rows.map { row in
            var line = ""
            for (column, text) in row.enumerated() {
                line += text
                if column < row.count - 1 {
                    line += String(repeating: " ", count: max(0, widths[column] - text.count) + 2)
                }
            }
            return line
        }.joined(separator: "\n")
    }
}
