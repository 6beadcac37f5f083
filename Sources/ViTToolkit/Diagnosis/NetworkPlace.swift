/// Where in the network an activation stands, so that what comes later can be told from what comes earlier.
struct NetworkPlace: Comparable, Sendable {
    /// The parts of a model in the order of execution; those of a block recur in each.
    enum Part: Int, Sendable {
        case patches, positions, preNorm
        case norm1, qkv, queryKeyNorm, attention, projection, norm2, mlpIn, mlpActivation, mlpOut
        case norm, pooling, preLogits, head, logits
    }

    let block: Int
    let part: Part

    private static let behindBlocks = Int.max

    private init(block: Int, _ part: Part) {
        self.block = block
        self.part = part
    }

    /// The first place of a part: in the first block, where it is one of a block's.
    init(_ part: Part) {
        switch part {
        case .patches, .positions, .preNorm: self.init(block: -1, part)
        case .norm1, .qkv, .queryKeyNorm, .attention, .projection, .norm2, .mlpIn, .mlpActivation, .mlpOut:
            self.init(block: 0, part)
        case .norm, .pooling, .preLogits, .head, .logits: self.init(block: Self.behindBlocks, part)
        }
    }

    /// The place of an activation by the name of timm's module.
    init(activation name: String) {
        let words = name.split(separator: ".")
        if words.first == "blocks", words.count > 1, let index = Int(words[1]) {
            self.init(block: index, Self.part(ofBlock: words.dropFirst(2).joined(separator: ".")))
            return
        }
        switch words.first {
        case "patch_embed": self.init(.patches)
        case "pos_drop": self.init(.positions)
        case "norm_pre": self.init(.preNorm)
        case "norm": self.init(.norm)
        case "attn_pool", "fc_norm": self.init(.pooling)
        case "pre_logits": self.init(.preLogits)
        case "head", "head_dist": self.init(.head)
        default: self.init(.logits)
        }
    }

    private static func part(ofBlock name: String) -> Part {
        switch name {
        case "norm1": .norm1
        case "attn.qkv": .qkv
        case "attn.q_norm", "attn.k_norm": .queryKeyNorm
        case "attn.attn_drop": .attention
        case "attn.proj", "attn", "ls1": .projection
        case "norm2": .norm2
        case "mlp.fc1", "mlp.fc1_g", "mlp.fc1_x": .mlpIn
        case "mlp.act": .mlpActivation
        default: .mlpOut
        }
    }

    /// How many blocks have to run for it; nil for all.
    var depth: Int? { block == Self.behindBlocks ? nil : block + 1 }

    static func < (left: NetworkPlace, right: NetworkPlace) -> Bool {
        (left.block, left.part.rawValue) < (right.block, right.part.rawValue)
    }
}
