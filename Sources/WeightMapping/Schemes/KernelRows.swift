/// Rows for layers whose kernels have the inputs first and may have heads as an axis of their own, as flax and
/// Keras store them.
///
/// Source: `flax/linen/linear.py`, `attention.py`, `normalization.py`; `keras/src/layers/core/dense.py`,
/// `attention/multi_head_attention.py`, `normalization/layer_normalization.py`.
struct KernelRows {
    /// Where the tensors of a block stand: each by its index, or all along an axis in front (flax's `nn.scan`).
    enum Depth {
        case single, scanned
    }

    /// What a layer's path is followed by: for maps, and for norms.
    let kernel, bias, scale, shift: String

    static let flax = KernelRows(kernel: "/kernel", bias: "/bias", scale: "/scale", shift: "/bias")
    /// Keras 3's `.weights.h5`: by the order in which a layer made them.
    static let keras3 = KernelRows(kernel: "/vars/0", bias: "/vars/1", scale: "/vars/0", shift: "/vars/1")
    /// The `.h5` of before, as Keras 3 writes it.
    static let kerasLegacy = KernelRows(kernel: "/kernel", bias: "/bias", scale: "/gamma", shift: "/beta")
    /// The same with the output's number that TensorFlow gave to variables.
    static let keras2 = KernelRows(kernel: "/kernel:0", bias: "/bias:0", scale: "/gamma:0", shift: "/beta:0")

    /// A map from one length to another: kernel [in, out].
    func dense(
        _ source: String, to target: String, _ depth: Depth = .single,
        where condition: MappingRule.Condition? = nil
    ) -> [MappingRule] {
        weightAndBias(of: [source], target, [transposing(depth)], [], depth, condition)
    }

    /// Several such maps one after another as one.
    func joined(_ sources: [String], to target: String) -> [MappingRule] {
        let join = TensorOperation.concatenate(axis: 0, parts: sources.count)
        return weightAndBias(of: sources, target, [transposing(.single), join], [join])
    }

    /// Maps into heads one after another as one: kernels [in, heads, head length], biases [heads, head length].
    func intoHeads(_ sources: [String], to target: String, _ depth: Depth = .single) -> [MappingRule] {
        let join: [TensorOperation] =
            sources.count == 1
            ? [] : [.concatenate(axis: depth == .single ? 0 : 1, parts: sources.count)]
        let (kernel, bias): (AxisPattern, AxisPattern) =
            switch depth {
            case .single: ("D H d -> D (H d)", "H d -> (H d)")
            case .scanned: ("L D H d -> L D (H d)", "L H d -> L (H d)")
            }
        return weightAndBias(
            of: sources, target, [.reshape(kernel), transposing(depth)] + join, [.reshape(bias)] + join, depth
        )
    }

    /// The map out of heads: kernel [heads, head length, out].
    func outOfHeads(_ source: String, to target: String, _ depth: Depth = .single) -> [MappingRule] {
        let kernel: AxisPattern = depth == .single ? "H d D -> (H d) D" : "L H d D -> L (H d) D"
        return weightAndBias(of: [source], target, [.reshape(kernel), transposing(depth)], [], depth)
    }

    /// A convolution over an image: kernel [height, width, in, out].
    func convolution(_ source: String, to target: String) -> [MappingRule] {
        weightAndBias(of: [source], target, [.transpose([3, 2, 0, 1])], [])
    }

    /// A norm with scale and shift.
    func norm(_ source: String, to target: String, _ depth: Depth = .single) -> [MappingRule] {
        [
            row(["\(source)\(scale)"], "\(target).weight", [], depth),
            row(["\(source)\(shift)"], "\(target).bias", [], depth),
        ]
    }

    private func transposing(_ depth: Depth) -> TensorOperation {
        .transpose(depth == .single ? [1, 0] : [0, 2, 1])
    }

    private func weightAndBias(
        of sources: [String], _ target: String, _ onKernels: [TensorOperation], _ onBiases: [TensorOperation],
        _ depth: Depth = .single, _ condition: MappingRule.Condition? = nil
    ) -> [MappingRule] {
        [
            row(sources.map { $0 + kernel }, "\(target).weight", onKernels, depth, condition),
            row(sources.map { $0 + bias }, "\(target).bias", onBiases, depth, condition),
        ]
    }

    private func row(
        _ sources: [String], _ target: String, _ operations: [TensorOperation], _ depth: Depth = .single,
        _ condition: MappingRule.Condition? = nil
    ) -> MappingRule {
        MappingRule(
            sources.map { NameTemplate(stringLiteral: $0) }, to: [NameTemplate(stringLiteral: target)],
            operations + (depth == .single ? [] : [.select(axis: 0)]), where: condition)
    }
}
