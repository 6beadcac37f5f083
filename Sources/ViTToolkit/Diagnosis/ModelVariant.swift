import Parity
import TensorCore
import ViT
import WeightMapping

/// The model as it would be if something were otherwise, over the same parameters.
struct ModelVariant: Sendable {
    var configuration: ViTConfiguration
    /// By canonical name; what is not changed stays where it is.
    var parameters: [String: TensorView]
    var form: ReferenceForm
    var tolerance: Tolerance
    /// Whether the reference has the class token behind the patches.
    var hasClassTokenLast = false
    /// Activations, by the end of their names, that the reference lays out in another way.
    var notComparable: [String] = []

    /// The model, of its first blocks alone where `depth` is given.
    func model(depth: Int? = nil) throws -> VisionTransformer {
        var configuration = configuration
        if let depth, depth < configuration.depth {
            configuration.depth = depth
            // What stands behind the blocks is not looked at.
            (configuration.classes, configuration.preLogits, configuration.labels) = (0, nil, nil)
        }
        let names = Set(configuration.parameters.map(\.name))
        return try VisionTransformer(
            configuration: configuration, parameters: parameters.filter { names.contains($0.key) })
    }

    /// Puts right what is laid out otherwise.
    mutating func apply(_ repairs: Repairs) throws {
        for (name, view) in parameters {
            if let repaired = try repairs.repaired(name, view, configuration.layout) {
                parameters[name] = repaired.view
            }
        }
    }

    /// An activation as the reference lays it out.
    func asInReference(_ activation: ActivationTrace.Activation) -> FloatTensor {
        guard hasClassTokenLast else { return activation.tensor }
        let shape = activation.tensor.shape
        let axis = shape.rank - 2
        guard axis >= 1, shape[axis] == configuration.tokenCount else { return activation.tensor }
        let block = shape[axis] * shape[axis + 1]
        var result = activation.tensor
        for start in stride(from: 0, to: result.values.count, by: block) {
            let rows = activation.tensor.values[start..<start + block]
            let first = rows.prefix(shape[axis + 1])
            result.values.replaceSubrange(start..<start + block, with: rows.dropFirst(first.count) + first)
        }
        return result
    }

    func isComparable(_ name: String) -> Bool { !notComparable.contains { name.hasSuffix($0) } }
}

extension ModelVariant {
    /// The model as it was prepared. Parameters that a model would copy each time it is made are copied once.
    init(_ prepared: PreparedModel, form: ReferenceForm, tolerance: Tolerance) throws {
        configuration = try prepared.configuration
        self.form = form
        self.tolerance = tolerance
        parameters = [:]
        for tensor in prepared.parameters { parameters[tensor.name] = try Self.widened(tensor.view) }
    }

    /// The tensor as 32-bit floats that a model can use where they are.
    static func widened(_ view: TensorView) throws -> TensorView {
        if view.dtype == .f32, let region = view.plainRegion, let start = try region.pointer().baseAddress,
            Int(bitPattern: start).isMultiple(of: MemoryLayout<Float>.alignment)
        {
            return view
        }
        let copy = HeapBytes(count: view.shape.elementCount * MemoryLayout<Float>.stride)
        var done = 0
        try view.converted(to: .f32).forEachChunk { chunk in
            UnsafeMutableRawBufferPointer(rebasing: copy.buffer[done...]).copyMemory(from: chunk)
            done += chunk.count
        }
        return try TensorView(
            storage: .bytes(ByteRegion(copy, count: done), .little), dtype: .f32, shape: view.shape)
    }
}
