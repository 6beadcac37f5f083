import TensorCore

/// In which order the rows of a fused map to queries, keys and values stand: which of the three comes first, and
/// whether they stand as three blocks or interleaved.
///
/// Spelled `kqv` for three blocks one after another, `per-head-qkv` for three blocks within each head (`[H, 3, d]`,
/// as Megatron has it), `per-element-qkv` for three rows for each element of a head (`[H, d, 3]`).
public struct QKVOrder: Sendable, Hashable, CustomStringConvertible {
    /// How the rows are grouped.
    public enum Grouping: String, Sendable, CaseIterable {
        /// `[3, H, d]`
        case blocks = ""
        /// `[H, 3, d]`
        case perHead = "per-head-"
        /// `[H, d, 3]`
        case perElement = "per-element-"
    }

    /// How the rows are grouped.
    public let grouping: Grouping
    /// The places at which queries, keys and values stand.
    private let places: [Int]

    /// The model's own order.
    public static let canonical = QKVOrder(grouping: .blocks, places: [0, 1, 2])

    /// Every order there is, the model's own first.
    public static let all = Grouping.allCases.flatMap { grouping in
        [[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0], [2, 0, 1]].map {
            QKVOrder(grouping: grouping, places: $0)
        }
    }

    private init(grouping: Grouping, places: [Int]) {
        self.grouping = grouping
        self.places = places
    }

    /// The order that is spelled so; nil when none is.
    public init?(_ text: String) {
        guard let order = Self.all.first(where: { $0.description == text }) else { return nil }
        self = order
    }

    /// How the order is spelled.
    public var description: String {
        let letters = (0..<3).map { place in ["q", "k", "v"][places.firstIndex(of: place) ?? 0] }
        return grouping.rawValue + letters.joined()
    }

    /// A weight or bias whose first axis is in this order, in the model's own.
    func canonical(_ view: TensorView, heads: Int) throws(TensorError) -> TensorView {
        guard let rows = view.shape.dimensions.first, heads > 0, rows % (3 * heads) == 0 else {
            throw .incompatible("a map of shape \(view.shape) is none to queries, keys and values")
        }
        let rest = Array(view.shape.dimensions.dropFirst())
        let (length, tail) = (rows / (3 * heads), Array(3..<3 + rest.count))
        let blocks: TensorView
        switch grouping {
        case .blocks:
            blocks = try view.reshaped(Shape(unchecked: [3, heads, length] + rest))
        case .perHead:
            blocks = try view.reshaped(Shape(unchecked: [heads, 3, length] + rest)).permuted(
                [1, 0, 2] + tail)
        case .perElement:
            blocks = try view.reshaped(Shape(unchecked: [heads, length, 3] + rest)).permuted(
                [2, 0, 1] + tail)
        }
        var parts: [TensorView] = []
        for place in places { parts.append(try blocks.sliced(axis: 0, place..<place + 1)) }
        return try TensorView.concatenated(parts, axis: 0).reshaped(view.shape)
    }
}
