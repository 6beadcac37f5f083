/// Colours from dark blue to yellow that are told apart in grey and by the colour-blind: matplotlib's viridis, sampled.
enum ColourScale {
    /// Sixteen colours at equal distances; red, green and blue.
    static let stops: [[UInt8]] = [
        0x440154, 0x481A6C, 0x472F7D, 0x414487, 0x39568C, 0x31688E, 0x2A788E, 0x23888E,
        0x1F988B, 0x22A884, 0x35B779, 0x54C568, 0x7AD151, 0xA5DB36, 0xD2E21B, 0xFDE725,
    ].map(samples)

    private static func samples(of colour: UInt32) -> [UInt8] {
        [UInt32(16), 8, 0].map { UInt8(truncatingIfNeeded: colour >> $0) }
    }

    /// So many colours at equal distances, interpolated.
    static func palette(_ count: Int) -> [[UInt8]] {
        let last = stops.count - 1
        return (0..<count).map { number in
            let place = Double(number) * Double(last) / Double(max(1, count - 1))
            let low = min(Int(place), last - 1)
            return zip(stops[low], stops[low + 1]).map { dark, light in
                mixed(Double(dark), Double(light), share: place - Double(low))
            }
        }
    }

    private static func mixed(_ a: Double, _ b: Double, share: Double) -> UInt8 {
        UInt8((a + (b - a) * share).rounded())
    }

    /// As a style sheet spells it.
    static func text(_ colour: [UInt8]) -> String {
        "#" + colour.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Whether white letters are read on it, and not black ones: by its luminance. Source: WCAG 2.2.
    static func isDark(_ colour: [UInt8]) -> Bool {
        let linear = colour.map { sample -> Double in
            let value = Double(sample) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        // Where black and white stand out equally.
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.179
    }
}
