/// How a position embedding is resized, as far as frameworks differ in it.
public enum PositionInterpolation: String, Sendable, CaseIterable {
    /// Bicubic with antialiasing: timm's `resample_abs_pos_embed`.
    case bicubicAntialias = "bicubic-antialias"
    /// Bicubic without antialiasing: transformers' `interpolate_pos_encoding`.
    case bicubic
    /// Bicubic with aligned corners: torchvision's `interpolate_embeddings`.
    case bicubicAligned = "bicubic-aligned"
    /// Bilinear: `torch.nn.functional.interpolate` with `mode="bilinear"`.
    case bilinear
    /// Bilinear with aligned corners: `scipy.ndimage.zoom` of order 1, Google's own code.
    case bilinearAligned = "bilinear-aligned"

    /// As it stands in the provenance of an `.swt`.
    var words: String {
        switch self {
        case .bicubicAntialias: "bicubic with antialias"
        case .bicubic: "bicubic"
        case .bicubicAligned: "bicubic with aligned corners"
        case .bilinear: "bilinear"
        case .bilinearAligned: "bilinear with aligned corners"
        }
    }

    /// Which old place the new place `place` lies at.
    private func source(_ place: Int, from oldLength: Int, to newLength: Int) -> Float {
        switch self {
        case .bicubicAligned, .bilinearAligned:
            newLength > 1 ? Float(place) * (Float(oldLength - 1) / Float(newLength - 1)) : 0
        case .bicubicAntialias, .bicubic, .bilinear:
            Float(oldLength) / Float(newLength) * (Float(place) + 0.5) - 0.5
        }
    }

    /// For each new place which old places it takes, and how much of each.
    func windows(from oldLength: Int, to newLength: Int) -> [AxisResampling.Window] {
        if self == .bicubicAntialias {
            return AxisResampling.antialiasedWindows(from: oldLength, to: newLength)
        }
        return (0..<newLength).map { place in
            var source = source(place, from: oldLength, to: newLength)
            let taps: [(offset: Int, weight: Float)]
            if self == .bilinear || self == .bilinearAligned { source = max(source, 0) }
            let first = source.rounded(.down)
            let rest = source - first
            switch self {
            case .bilinear, .bilinearAligned: taps = [(0, 1 - rest), (1, rest)]
            default:
                taps = (-1...2).map { ($0, AxisResampling.cubic(rest - Float($0), a: -0.75)) }
            }
            // What lies beyond an edge is the edge's own value.
            let places = taps.map { min(max(Int(first) + $0.offset, 0), oldLength - 1) }
            let start = places.min() ?? 0
            var weights = [Float](repeating: 0, count: (places.max() ?? 0) - start + 1)
            for (place, tap) in zip(places, taps) { weights[place - start] += tap.weight }
            return AxisResampling.Window(start: start, weights: weights)
        }
    }
}
