import TensorCore

/// Numbers as a person compares them.
package enum Digits {
    /// Three digits and an exponent (`1.23e-06`), or so many places after the point.
    package static func text(_ value: Double, places: Int? = nil) -> String {
        if places == nil, value == 0 { return "0" }
        var buffer = [CChar](repeating: 0, count: 64)
        let length = withVaList([value]) { arguments in
            vsnprintf(&buffer, buffer.count, places == nil ? "%.2e" : "%.\(places ?? 0)f", arguments)
        }
        return String(
            decoding: buffer.prefix(max(0, Int(length))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package static func percent(_ share: Double) -> String { text(share * 100, places: 1) + " %" }
}
