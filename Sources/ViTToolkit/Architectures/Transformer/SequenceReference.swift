import Layers
import Parity
import TensorCore
import Transformer

/// What torch's Transformer computed: two sequences, masks, its output and any activations.
struct SequenceReference {
    let source: FloatTensor
    let target: FloatTensor
    let masks: TransformerMasks
    /// The masks as torch's fast path has them, where the two differ: see ``TransformerMasks/clearedSource``.
    let fastPathMasks: TransformerMasks?
    let output: FloatTensor
    let activations: [(name: String, view: TensorView)]

    private static let maskNames = [
        "src_mask", "tgt_mask", "memory_mask", "src_key_padding_mask", "tgt_key_padding_mask",
        "memory_key_padding_mask",
    ]

    /// Takes a reference apart.
    ///
    /// - Throws: `ParityError` for what is missing or has another shape or type; whatever reading the file throws.
    init(_ tensors: [(name: String, view: TensorView)], width: Int) throws {
        func find(_ name: String) throws -> TensorView {
            guard let view = tensors.first(where: { $0.name == name })?.view else {
                throw ParityError.missing(
                    name, expected: ["src", "tgt", "output"], found: tensors.map(\.name))
            }
            guard view.dtype.isFloatingPoint else { throw ParityError.type(name, found: view.dtype) }
            return view
        }
        func require(_ name: String, _ view: TensorView, _ expected: [Int?], _ words: String) throws {
            let found = view.shape.dimensions
            let fits = found.count == expected.count && zip(found, expected).allSatisfy { $0 == $1 ?? $0 }
            guard fits, view.shape.elementCount > 0 else {
                throw ParityError.shape(name, expected: words, found: found)
            }
        }
        let (source, target, output) = (try find("src"), try find("tgt"), try find("output"))
        try require("src", source, [nil, nil, width], "[batch, source tokens, \(width)]")
        let (batch, keys) = (source.shape[0], source.shape[1])
        try require("tgt", target, [batch, nil, width], "[\(batch), target tokens, \(width)]")
        let queries = target.shape[1]
        try require("output", output, [batch, queries, width], "[\(batch), \(queries), \(width)]")

        /// A mask, as `[images, heads, queries, keys]` with open axes.
        func mask(_ name: String, _ expected: [Int]) throws -> AttentionMask? {
            guard let view = tensors.first(where: { $0.name == name })?.view else { return nil }
            let words = "[\(expected.map(String.init).joined(separator: ", "))]"
            try require(name, view, expected, words)
            guard view.dtype == .bool || view.dtype.isFloatingPoint else {
                throw ParityError.mask(name, found: view.dtype)
            }
            let isPadding = name.hasSuffix("key_padding_mask")
            let open = isPadding ? try view.reshaped(Shape([expected[0], 1, 1, expected[1]])) : view
            return try AttentionMask(open)
        }
        func both(_ first: AttentionMask?, _ second: AttentionMask?) throws -> AttentionMask? {
            guard let first, let second else { return first ?? second }
            return try first.combined(with: second)
        }
        let sourcePadding = try mask("src_key_padding_mask", [batch, keys])
        let memoryPadding = try mask("memory_key_padding_mask", [batch, keys])
        var masks = TransformerMasks()
        masks.source = try both(sourcePadding, try mask("src_mask", [keys, keys]))
        masks.target = try both(
            try mask("tgt_key_padding_mask", [batch, queries]), try mask("tgt_mask", [queries, queries]))
        masks.memory = try both(memoryPadding, try mask("memory_mask", [queries, keys]))
        self.masks = masks
        if let sourcePadding, memoryPadding == nil {
            masks.clearedSource = sourcePadding.bias.values.map { $0 == -.infinity }
            fastPathMasks = masks
        } else {
            fastPathMasks = nil
        }
        self.source = try FloatTensor(source)
        self.target = try FloatTensor(target)
        self.output = try FloatTensor(output)
        let inputs = Set(["src", "tgt", "output"] + Self.maskNames)
        activations = tensors.filter { !inputs.contains($0.name) }
    }
}
