import TensorCore

extension ViTConfiguration {
    /// What shapes cannot tell, said by whoever knows.
    package struct Overrides: Sendable, Equatable {
        /// The number of attention heads.
        package var heads: Int?
        /// The image size that the weights were made for; passed over where `pos_embed` has rows for another.
        package var imageSize: Size?
        package var gelu: GELU?
        package var layerNormEpsilon: Double?
        /// The epsilon of the family that the names belong to: for a model that does not look like another's.
        package var usualEpsilon: Double?
        /// The tokens that models of this family give positions to; nil where they differ.
        package var usualPositions: Set<Positions>?
        package var qkScale: Double?
        package var pooling: Pooling?
        package var preprocessing: Preprocessing?

        package init() {}
    }

    /// Tells the configuration from the canonical names and shapes of a checkpoint's tensors.
    ///
    /// Heads come from the overrides, the shapes of a query norm, a known variant of this width and depth, or
    /// are taken to be 64 long, which a remark says. Names that play no role here are left to the mapper.
    ///
    /// - Throws: `ViTError`: what is missing, or does not fit together.
    package static func infer(
        from tensors: [(name: String, shape: Shape)], overrides: Overrides = Overrides()
    ) throws(ViTError) -> (configuration: ViTConfiguration, remarks: [String]) {
        var inference = ConfigurationInference(tensors: tensors, overrides: overrides)
        try inference.run()
        try inference.result.validate()
        return (inference.result, inference.remarks)
    }
}

/// The steps from shapes to a configuration, one part of the model after another.
private struct ConfigurationInference {
    let shapes: [String: Shape]
    let overrides: ViTConfiguration.Overrides
    var result = ViTConfiguration()
    var remarks: [String] = []

    init(tensors: [(name: String, shape: Shape)], overrides: ViTConfiguration.Overrides) {
        shapes = Dictionary(tensors.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        self.overrides = overrides
    }

    mutating func run() throws(ViTError) {
        let needed = ["patch_embed.proj.weight", "pos_embed"]
        let missing = needed.filter { !has($0) }
        guard missing.isEmpty else { throw .notAVisionTransformer(missing: missing) }
        try readPatches()
        try readDepth()
        try readTokens()
        try readBlocks()
        try readHeads()
        try readPooling()
        try readHead()
        result.gelu = overrides.gelu ?? result.gelu
        readEpsilon()
        result.qkScale = overrides.qkScale
        result.preprocessing = overrides.preprocessing
    }

    private func has(_ name: String) -> Bool { shapes[name] != nil }

    private func shape(_ name: String, rank: Int, _ expected: String) throws(ViTError) -> Shape {
        guard let shape = shapes[name] else { throw .notAVisionTransformer(missing: [name]) }
        guard shape.rank == rank, shape.dimensions.allSatisfy({ $0 > 0 }) else {
            throw .unusableShape(name: name, shape: shape, expected: expected)
        }
        return shape
    }

    private mutating func readPatches() throws(ViTError) {
        let weight = try shape("patch_embed.proj.weight", rank: 4, "[width, channels, patch, patch]")
        result.width = weight[0]
        result.channels = weight[1]
        result.patchSize = ViTConfiguration.Size(height: weight[2], width: weight[3])
        result.patchBias = has("patch_embed.proj.bias")
        result.patchNorm = has("patch_embed.norm.weight")
        result.preNorm = has("norm_pre.weight")
    }

    private mutating func readDepth() throws(ViTError) {
        var indices: Set<Int> = []
        for name in shapes.keys where name.hasPrefix("blocks.") {
            guard let index = Int(name.dropFirst("blocks.".count).prefix { $0 != "." }), index >= 0 else {
                continue
            }
            indices.insert(index)
        }
        // Counting what is there keeps a single "blocks.999999999" from making a billion blocks.
        guard let gap = (0..<indices.count).first(where: { !indices.contains($0) }) else {
            result.depth = indices.count
            return
        }
        throw .notAVisionTransformer(missing: ["blocks.\(gap)"])
    }

    private mutating func readTokens() throws(ViTError) {
        result.classToken = has("cls_token")
        result.distilled = has("dist_token")
        if has("reg_token") {
            result.registers = try shape("reg_token", rank: 3, "[1, registers, width]")[1]
        }
        let rows = try shape("pos_embed", rank: 3, "[1, tokens, width]")[1]
        let tokens = (result.classToken ? 1 : 0) + (result.distilled ? 1 : 0)
        var candidates: [(ViTConfiguration.Positions, patches: Int)] = [
            (.all, rows - tokens - result.registers), (.classAndPatches, rows - tokens), (.patches, rows),
        ]
        // Where the family's models give the class token a position, a square with it is no grid of patches.
        if result.classToken, overrides.usualPositions?.contains(.patches) == false {
            candidates.removeLast()
        }

        if let size = overrides.imageSize,
            let (positions, _) = candidates.first(where: { fits(size, $0.patches) })
        {
            result.positions = positions
            result.imageSize = size
            return
        }
        for (positions, patches) in candidates {
            guard let side = Self.squareRoot(patches) else { continue }
            let (height, tooHigh) = side.multipliedReportingOverflow(by: result.patchSize.height)
            let (width, tooWide) = side.multipliedReportingOverflow(by: result.patchSize.width)
            guard !tooHigh, !tooWide else { continue }
            result.positions = positions
            result.imageSize = ViTConfiguration.Size(height: height, width: width)
            if positions == .patches, result.classToken, !has("blocks.0.ls1.gamma"), result.registers == 0 {
                remarks.append(
                    "the position embedding is taken to be of \(side)×\(side) patches and not of the class token: "
                        + "if images are oblong, --image-size says so")
            }
            if let size = overrides.imageSize {
                remarks.append(
                    "the position embedding has \(side)×\(side) patches, which is not an image of "
                        + "\(size.height)×\(size.width) pixels")
            }
            return
        }
        throw .configuration(
            "the position embedding has \(candidates[0].patches) rows for patches, which is no square, "
                + "and the image size is not known or does not fit: give it")
    }

    /// Whether an image of this size has as many patches.
    private func fits(_ size: ViTConfiguration.Size, _ patches: Int) -> Bool {
        let (rows, columns) = (size.height / result.patchSize.height, size.width / result.patchSize.width)
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        return !overflow && rows > 0 && columns > 0 && count == patches
    }

    private static func squareRoot(_ number: Int) -> Int? {
        guard number > 0, number < 1 << 40 else { return nil }
        let root = Int(Double(number).squareRoot().rounded())
        return root * root == number ? root : nil
    }

    private mutating func readBlocks() throws(ViTError) {
        guard result.depth > 0 else { throw .notAVisionTransformer(missing: ["blocks.0"]) }
        let block = "blocks.0"
        result.qkvBias = has("\(block).attn.qkv.bias")
        result.qkNorm = has("\(block).attn.q_norm.weight")
        result.layerScale = has("\(block).ls1.gamma")
        result.mlpNorm = has("\(block).mlp.norm.weight")
        result.hidden = try shape("\(block).mlp.fc2.weight", rank: 2, "[width, hidden]")[1]
        if has("\(block).mlp.fc1_g.weight") {
            result.mlp = .swiGLU
        } else {
            let rows = try shape("\(block).mlp.fc1.weight", rank: 2, "[hidden, width]")[0]
            result.mlp = rows.isMultiple(of: 2) && rows / 2 == result.hidden ? .swiGLUPacked : .plain
        }
    }

    private mutating func readHeads() throws(ViTError) {
        let (width, depth) = (result.width, result.depth)
        if let heads = overrides.heads {
            guard heads > 0, width % heads == 0 else {
                throw .configuration("a width of \(width) cannot be divided into \(heads) heads")
            }
            result.heads = heads
        } else if result.qkNorm {
            let length = try shape("blocks.0.attn.q_norm.weight", rank: 1, "[head length]")[0]
            guard width % length == 0 else {
                throw .configuration("a width of \(width) cannot be divided into heads of length \(length)")
            }
            result.heads = width / length
        } else if let heads = ViTVariant.knownHeads(width: width, depth: depth) {
            result.heads = heads
        } else {
            guard width >= 64, width.isMultiple(of: 64) else {
                throw .configuration(
                    "the number of attention heads cannot be told from a width of \(width) and \(depth) blocks: "
                        + "give it (--heads)")
            }
            result.heads = width / 64
            remarks.append(
                "\(result.heads == 1 ? "1 attention head" : "\(result.heads) attention heads") is a guess (heads of length 64; no known model has width \(width) "
                    + "and \(depth) blocks): --heads sets it")
        }
    }

    /// The norm before the blocks is CLIP's own, and CLIP's epsilon is not the others'.
    private mutating func readEpsilon() {
        if let epsilon = overrides.layerNormEpsilon {
            result.layerNormEpsilon = epsilon
        } else if result.preNorm, overrides.usualEpsilon != 1e-5 {
            result.layerNormEpsilon = 1e-5
            remarks.append(
                "a norm before the blocks means CLIP, so the LayerNorm epsilon is taken to be 1e-5: "
                    + "--layer-norm-epsilon sets it")
        } else {
            result.layerNormEpsilon = overrides.usualEpsilon ?? result.layerNormEpsilon
        }
    }

    private mutating func readPooling() throws(ViTError) {
        result.norm = has("norm.weight")
        result.fcNorm = has("fc_norm.weight")
        let hasPool = has("attn_pool.latent")
        if hasPool {
            result.poolPositions = has("attn_pool.pos_embed")
            result.poolHidden = try shape("attn_pool.mlp.fc1.weight", rank: 2, "[hidden, width]")[0]
        }
        if hasPool {
            result.pooling = .attention
        } else if let pooling = overrides.pooling, pooling != .attention {
            result.pooling = pooling
        } else if result.classToken, let head = shapes["head.weight"], head.rank == 2,
            head[1] / 2 == result.width, head[1].isMultiple(of: 2), !has("pre_logits.fc.weight")
        {
            result.pooling = .tokenAndAverage
        } else {
            result.pooling = result.fcNorm || !result.classToken ? .average : .token
        }
    }

    private mutating func readHead() throws(ViTError) {
        if has("pre_logits.fc.weight") {
            result.preLogits = try shape("pre_logits.fc.weight", rank: 2, "[representation, width]")[0]
        }
        guard has("head.weight") else {
            result.classes = 0
            return
        }
        result.classes = try shape("head.weight", rank: 2, "[classes, features]")[0]
        result.headBias = has("head.bias")
    }
}
