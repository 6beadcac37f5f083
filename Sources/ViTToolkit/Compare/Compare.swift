import Checkpoints
import TensorCore
import WeightMapping

/// How two checkpoints are compared.
public struct ComparisonOptions: Sendable {
    /// What is said about the first checkpoint. Only what tells the weights and the model is heeded: nothing is
    /// resampled, cast or made anew.
    public var a = ModelOptions()
    /// What is said about the second.
    public var b = ModelOptions()
    /// Whether a tensor that is the other's in another type counts as equal.
    public var allowsCast = false
    /// Elements may lie apart by this much, |a − b| ≤ absolute + relative · |b|, and count as equal.
    public var absolute = 0.0
    /// The part of the tolerance that grows with the second checkpoint's element.
    public var relative = 0.0

    /// Bits count, and types.
    public init() {}
}

/// Compares two checkpoints parameter by parameter, under canonical names and in canonical layouts.
///
/// A checkpoint that is no whole model is compared as far as its names are known; tensors that have no place in the
/// model are held against each other under the names of their files, as all are where one of the two is no
/// model that is known. Nothing is changed for the comparison.
///
/// - Parameters:
///   - a: the checkpoint that is compared.
///   - b: the one that it is held against.
///   - options: what is let pass, and what is said about either model.
/// - Throws: `CheckpointError` when a tensor cannot be read; `MappingError`, with the file's name, when the weights
///   cannot be told and the two files have no name in common.
/// - Complexity: linear; tensors are read piece by piece, once where they are identical, again to measure them. Memory
///   holds pieces, and a tensor at a time that is not stored plainly. Results do not depend on the number of threads.
public func compare(_ a: Checkpoint, _ b: Checkpoint, options: ComparisonOptions = ComparisonOptions()) throws
    -> CheckpointComparison
{
    let sides = try ComparisonSide.pair(a, options.a, b, options.b)
    let pairs = pairs(sides.a, sides.b)
    let task = Progress.begin(
        "comparing \(b.path)",
        of: pairs.reduce(0) { $0 + ($1.a?.view.byteCount ?? 0) + ($1.b?.view.byteCount ?? 0) })
    defer { task?.end() }
    let tensors = try pairs.map { name, left, right in
        defer { task?.advance(by: (left?.view.byteCount ?? 0) + (right?.view.byteCount ?? 0)) }
        return try TensorDifference(name: name, left, of: a, right, of: b, options: options)
    }
    return CheckpointComparison(
        a: sides.a.summary, b: sides.b.summary, options: options, tensors: tensors,
        configuration: ConfigurationDifference.list(sides.a.configuration, sides.b.configuration),
        remarks: remarks(sides.a.remarks, sides.b.remarks) + sides.remarks)
}

/// What is said about both stands once.
private func remarks(_ a: [String], _ b: [String]) -> [String] {
    a.map { (b.contains($0) ? "A and B: " : "A: ") + $0 }
        + b.filter { !a.contains($0) }.map { "B: " + $0 }
}

/// The tensors of both sides by name: in the model's order where it is known, those of B alone behind what they
/// follow there.
private func pairs(
    _ a: ComparisonSide, _ b: ComparisonSide
) -> [(name: String, a: MappedTensor?, b: MappedTensor?)] {
    let left = Dictionary(a.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let right = Dictionary(b.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var followers: [String: [MappedTensor]] = [:]
    var last = ""
    for tensor in b.tensors {
        if left[tensor.name] == nil {
            followers[last, default: []].append(tensor)
        } else {
            last = tensor.name
        }
    }
    var result = followers["", default: []].map { ($0.name, MappedTensor?.none, MappedTensor?.some($0)) }
    for tensor in a.tensors {
        result.append((tensor.name, tensor, right[tensor.name]))
        result += followers[tensor.name, default: []].map { ($0.name, nil, $0) }
    }
    guard let configuration = a.configuration ?? b.configuration else { return result }
    let places = Dictionary(
        configuration.parameters.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    let order = result.enumerated().sorted { x, y in
        (places[x.element.0] ?? .max, x.offset) < (places[y.element.0] ?? .max, y.offset)
    }
    return order.map(\.element)
}
