/// Resizing along one axis, as `torch.nn.functional.interpolate` does it: each new place is a weighted mean of the old
/// places around it.
struct AxisResampling: Sendable {
    /// Which old places a new place takes, from `start` on, and how much of each.
    struct Window: Sendable {
        let start: Int
        let weights: [Float]
    }

    /// One window for each new place.
    let windows: [Window]

    init(from oldLength: Int, to newLength: Int, _ interpolation: PositionInterpolation) {
        windows = interpolation.windows(from: oldLength, to: newLength)
    }

    /// Keys' cubic with a = −0.5, widened by the ratio when the result is smaller (PIL's and torch's antialiasing).
    ///
    /// Source: aten/src/ATen/native/cpu/UpSampleKernel.cpp, `HelperInterpCubic` and `_compute_indices_weights_aa`.
    static func antialiasedWindows(from oldLength: Int, to newLength: Int) -> [Window] {
        let scale = Float(oldLength) / Float(newLength)
        let support = 2 * max(scale, 1)
        let inverseScale = 1 / max(scale, 1)
        return (0..<newLength).map { place in
            let center = scale * (Float(place) + 0.5)
            let start = max(Int(center - support + 0.5), 0)
            let end = max(min(Int(center + support + 0.5), oldLength), start + 1)
            let raw = (start..<end).map { cubic((Float($0) - center + 0.5) * inverseScale, a: -0.5) }
            let sum = raw.reduce(0, +)
            return Window(start: start, weights: raw.map { sum != 0 ? $0 / sum : $0 })
        }
    }

    /// Keys' cubic convolution kernel.
    static func cubic(_ offset: Float, a: Float) -> Float {
        let x = abs(offset)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }

    /// Resizes the middle axis of values laid out as `[outer, length, inner]`.
    func apply(to values: [Float], outer: Int, length: Int, inner: Int) -> [Float] {
        var result = [Float](repeating: 0, count: outer * windows.count * inner)
        values.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                for row in 0..<outer {
                    for (place, window) in windows.enumerated() {
                        let to = (row * windows.count + place) * inner
                        for (offset, weight) in window.weights.enumerated() {
                            let from = (row * length + window.start + offset) * inner
                            for k in 0..<inner { target[to + k] += weight * source[from + k] }
                        }
                    }
                }
            }
        }
        return result
    }
}
