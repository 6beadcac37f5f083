/// Numbers as a person reads them.
package enum Quantity {
    /// `412.7 MB`; decimal units, as disks and download pages count.
    package static func bytes(_ count: Int) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB"]
        var value = Double(count)
        var unit = 0
        while value >= 999.95, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) bytes" : "\((value * 10).rounded() / 10) \(units[unit])"
    }

    /// Four significant digits.
    package static func short(_ value: Double) -> String {
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
}
