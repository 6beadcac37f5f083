import TensorCore

extension TransformerConfiguration {
    /// What shapes cannot tell, said by whoever knows; nil where nobody does.
    package struct Overrides: Sendable, Equatable {
        /// The number of attention heads.
        package var heads: Int?
        package var normFirst: Bool?
        package var activation: Activation?
        package var layerNormEpsilon: Double?

        package init() {}
    }

    /// Tells the configuration from the names and shapes of a `torch.nn.Transformer`'s tensors.
    ///
    /// Heads come from the overrides, from the published model of these sizes, or are taken to be 64 long, which a
    /// remark says; so does one that the order of norms and the activation are torch's defaults.
    ///
    /// - Throws: `TransformerError`: what is missing, or does not fit together.
    package static func infer(
        from tensors: [(name: String, shape: Shape)], overrides: Overrides = Overrides()
    ) throws(TransformerError) -> (configuration: TransformerConfiguration, remarks: [String]) {
        let shapes = Dictionary(
            tensors.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        var result = TransformerConfiguration()
        result.encoderDepth = try depth("encoder", shapes)
        result.decoderDepth = try depth("decoder", shapes)
        let attention = try matrix("encoder.layers.0.self_attn.in_proj_weight", "[3 · width, width]", shapes)
        result.width = attention[1]
        result.hidden = try matrix("encoder.layers.0.linear1.weight", "[hidden, width]", shapes)[0]
        result.bias = shapes["encoder.layers.0.linear1.bias"] != nil
        result.encoderNorm = shapes["encoder.norm.weight"] != nil
        result.decoderNorm = shapes["decoder.norm.weight"] != nil
        result.normFirst = overrides.normFirst ?? result.normFirst
        result.activation = overrides.activation ?? result.activation
        result.layerNormEpsilon = overrides.layerNormEpsilon ?? result.layerNormEpsilon
        var remarks: [String] = []
        try result.readHeads(overrides.heads, &remarks)
        if overrides.normFirst == nil, overrides.activation == nil {
            remarks.append(
                "no tensor tells where the norms stand and what the activation is: taken to be torch's defaults, "
                    + "norms behind each branch and ReLU (--norm-first and --gelu exact say otherwise)")
        }
        try result.validate()
        return (result, remarks)
    }

    /// Counts what is there, so that a single "layers.999999999" does not make a billion layers.
    private static func depth(_ stack: String, _ shapes: [String: Shape]) throws(TransformerError) -> Int {
        let prefix = "\(stack).layers."
        let indices = Set(
            shapes.keys.filter { $0.hasPrefix(prefix) }.compactMap { name in
                Int(name.dropFirst(prefix.count).prefix { $0 != "." })
            })
        guard !indices.isEmpty else { throw .notATransformer(missing: ["\(prefix)0"]) }
        guard let gap = (0..<indices.count).first(where: { !indices.contains($0) }) else {
            return indices.count
        }
        throw .notATransformer(missing: ["\(prefix)\(gap)"])
    }

    private static func matrix(
        _ name: String, _ expected: String, _ shapes: [String: Shape]
    ) throws(TransformerError) -> Shape {
        guard let shape = shapes[name] else { throw .notATransformer(missing: [name]) }
        guard shape.rank == 2, shape.dimensions.allSatisfy({ $0 > 0 }) else {
            throw .unusableShape(name: name, shape: shape, expected: expected)
        }
        return shape
    }

    private mutating func readHeads(_ given: Int?, _ remarks: inout [String]) throws(TransformerError) {
        if let given {
            guard given > 0, width % given == 0 else {
                throw .configuration("a width of \(width) cannot be divided into \(given) heads")
            }
            heads = given
        } else if let known = knownHeads {
            heads = known
        } else {
            guard width >= 64, width.isMultiple(of: 64) else {
                throw .configuration(
                    "the number of attention heads cannot be told from a width of \(width): give it (--heads)"
                )
            }
            heads = width / 64
            remarks.append(
                "\(heads) attention head\(heads == 1 ? " is" : "s are") a guess (heads of length 64; no published "
                    + "model has these sizes): --heads sets it")
        }
    }
}
