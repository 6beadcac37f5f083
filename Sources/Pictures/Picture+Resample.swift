import TensorCore

/// How pixels between pixels are made. Source: Pillow, `src/libImaging/Resample.c`.
public enum Interpolation: String, Sendable, CaseIterable {
    /// A triangle, as wide as two pixels of the larger picture.
    case bilinear
    /// Cubic pieces with a = −0.5, four pixels wide.
    case bicubic
    /// A windowed sinc, six pixels wide.
    case lanczos

    /// How far the filter reaches, in pixels of the larger of the two pictures.
    var support: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    func weight(_ place: Double) -> Double {
        let x = abs(place)
        switch self {
        case .bilinear: return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
        case .lanczos: return place >= -3 && place < 3 ? Self.sinc(place) * Self.sinc(place / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double {
        x == 0 ? 1 : sin(x * .pi) / (x * .pi)
    }
}

/// A rectangle in a picture.
package struct PictureWindow: Sendable, Equatable {
    package var left, top, width, height: Int

    package init(left: Int, top: Int, width: Int, height: Int) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }
}

extension Picture {
    /// A window of the picture resized to `width` × `height`, as Pillow's `resize` computes it, in whole numbers and
    /// rounded after each direction; without what lies outside the window, so that memory is the window's.
    package func resized(
        width newWidth: Int, height newHeight: Int, by filter: Interpolation, window: PictureWindow
    ) -> Picture {
        let rows = Taps(from: height, to: newHeight, filter, window.top..<window.top + window.height)
        let columns = Taps(from: width, to: newWidth, filter, window.left..<window.left + window.width)
        let needed = rows.needed
        let narrow = horizontally(columns, needed)
        return narrow.vertically(rows, from: needed.lowerBound)
    }

    private func horizontally(_ taps: Taps, _ rows: Range<Int>) -> Picture {
        let count = taps.ranges.count
        let pixels = [UInt8](unsafeUninitializedCapacity: rows.count * count * 3) { target, initialized in
            self.pixels.withUnsafeBufferPointer { source in
                for (line, row) in rows.enumerated() {
                    for (column, range) in taps.ranges.enumerated() {
                        for channel in 0..<3 {
                            var sum = Taps.half
                            for (tap, place) in range.enumerated() {
                                let value = source[(row * width + place) * 3 + channel]
                                sum += Int(value) * taps.weights[column * taps.most + tap]
                            }
                            target[(line * count + column) * 3 + channel] = Taps.rounded(sum)
                        }
                    }
                }
            }
            initialized = rows.count * count * 3
        }
        return Picture(width: count, height: rows.count, pixels: pixels)
    }

    private func vertically(_ taps: Taps, from first: Int) -> Picture {
        let length = width * 3
        let pixels = [UInt8](unsafeUninitializedCapacity: taps.ranges.count * length) { target, initialized in
            self.pixels.withUnsafeBufferPointer { source in
                for (row, range) in taps.ranges.enumerated() {
                    for byte in 0..<length {
                        var sum = Taps.half
                        for (tap, place) in range.enumerated() {
                            let value = source[(place - first) * length + byte]
                            sum += Int(value) * taps.weights[row * taps.most + tap]
                        }
                        target[row * length + byte] = Taps.rounded(sum)
                    }
                }
            }
            initialized = taps.ranges.count * length
        }
        return Picture(width: width, height: taps.ranges.count, pixels: pixels)
    }
}

/// Which pixels make up each pixel of a row or column, and by how much.
private struct Taps {
    /// Weights are whole numbers of 1/2²²: 32 bits less the 8 of a pixel and 2 for sums.
    private static let bits = 22
    static let half = 1 << (bits - 1)

    var ranges: [Range<Int>] = []
    var weights: [Int] = []
    /// The weights that are kept for each.
    let most: Int

    static func rounded(_ sum: Int) -> UInt8 { UInt8(max(0, min(255, sum >> bits))) }

    init(from old: Int, to new: Int, _ filter: Interpolation, _ wanted: Range<Int>) {
        guard old != new else {
            most = 1
            ranges = wanted.map { $0..<$0 + 1 }
            weights = [Int](repeating: 1 << Self.bits, count: wanted.count)
            return
        }
        let scale = Double(old) / Double(new)
        let stretch = max(scale, 1)
        let support = filter.support * stretch
        most = Int(support.rounded(.up)) * 2 + 1
        weights = [Int](repeating: 0, count: wanted.count * most)
        for (index, place) in wanted.enumerated() {
            let center = (Double(place) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5))
            let end = min(old, Int(center + support + 0.5))
            let values = (first..<max(first, end)).map {
                filter.weight((Double($0) - center + 0.5) * (1 / stretch))
            }
            let sum = values.reduce(0, +)
            for (tap, value) in values.enumerated() {
                let weight = (sum == 0 ? value : value / sum) * Double(1 << Self.bits)
                weights[index * most + tap] = Int(weight < 0 ? weight - 0.5 : weight + 0.5)
            }
            ranges.append(first..<max(first, end))
        }
    }

    /// The places that are looked at.
    var needed: Range<Int> {
        (ranges.map(\.lowerBound).min() ?? 0)..<(ranges.map(\.upperBound).max() ?? 0)
    }
}
