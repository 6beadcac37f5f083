import TensorCore

/// Whether two sets of logits rank classes alike.
enum TopAgreement {
    /// The share of the reference's `k` best classes that are among the computed `k` best, over all images.
    ///
    /// Equal logits are ranked by class number; what is no number comes last. With fewer than `k` classes, all
    /// count.
    static func share(_ k: Int, computed: FloatTensor, reference: FloatTensor) -> Double {
        guard reference.shape.rank == 2, computed.shape == reference.shape, reference.shape.elementCount > 0
        else { return 0 }
        let classes = reference.shape[1]
        var common = 0
        var total = 0
        for start in stride(from: 0, to: reference.values.count, by: classes) {
            let expected = best(k, of: reference.values[start..<start + classes])
            let found = best(k, of: computed.values[start..<start + classes])
            common += Set(expected).intersection(found).count
            total += expected.count
        }
        return Double(common) / Double(total)
    }

    private static func best(_ k: Int, of row: ArraySlice<Float>) -> [Int] {
        var best: [(place: Int, value: Float)] = []
        for (place, value) in row.enumerated() {
            let value = value.isNaN ? -Float.infinity : value
            if best.count == k, let last = best.last, value <= last.value { continue }
            let insertion = best.firstIndex { $0.value < value } ?? best.count
            best.insert((place, value), at: insertion)
            if best.count > k { best.removeLast() }
        }
        return best.map(\.place)
    }
}
