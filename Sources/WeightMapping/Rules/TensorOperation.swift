/// A step from a foreign layout to ours, with its inverse.
///
/// Steps work on a list of tensors: most on each of them, some join or part the list. None moves bytes.
package enum TensorOperation: Sendable, Hashable {
    /// Each tensor's axes in another order: axis k of the result is axis `order[k]`.
    case transpose([Int])
    /// Each tensor's axes regrouped.
    case reshape(AxisPattern)
    /// All tensors one after another along an axis; their lengths there stand in the given ratios.
    case concatenate(axis: Int, ratios: [Int])
    /// One tensor cut along an axis into pieces that stand in the given ratios.
    case split(axis: Int, ratios: [Int])
    /// One tensor whose every element along an axis becomes a tensor of its own (a depth axis, say).
    case select(axis: Int)
    /// All tensors as the elements along a new axis.
    case stack(axis: Int)
    /// A tensor of zeros, like the first of the list, put in at a place of the list.
    case insertZeros(at: Int)
    /// The tensor at a place of the list, which holds zeros, taken out.
    case removeZeros(at: Int)

    /// All tensors one after another along an axis, as many as `parts`, equally long.
    package static func concatenate(axis: Int, parts: Int) -> TensorOperation {
        .concatenate(axis: axis, ratios: [Int](repeating: 1, count: parts))
    }

    /// The step that undoes this one.
    package var inverse: TensorOperation {
        switch self {
        case .transpose(let order):
            .transpose(order.indices.map { order.firstIndex(of: $0) ?? $0 })
        case .reshape(let pattern): .reshape(pattern.inverse)
        case .concatenate(let axis, let ratios): .split(axis: axis, ratios: ratios)
        case .split(let axis, let ratios): .concatenate(axis: axis, ratios: ratios)
        case .select(let axis): .stack(axis: axis)
        case .stack(let axis): .select(axis: axis)
        case .insertZeros(let place): .removeZeros(at: place)
        case .removeZeros(let place): .insertZeros(at: place)
        }
    }
}
