import Layers
import TensorCore

/// How much a training-mode pass drops, and where; each rate is a probability, and all are 0 at first.
///
/// What is kept is divided by 1 − rate, so that the expectation stays (Srivastava et al. 2014).
public struct DropoutRates: Sendable, Equatable {
    /// Of tokens after the position embedding (timm's `pos_drop_rate`).
    public var position = 0.0
    /// Of attention weights after the softmax (`attn_drop_rate`).
    public var attention = 0.0
    /// Of elements after the attention's projection, after the MLP's activation and after its second map
    /// (`proj_drop_rate`).
    public var projection = 0.0
    /// Of each branch as a whole, for each image by itself: the last block's rate (`drop_path_rate`).
    ///
    /// Those of the blocks rise linearly from 0 (stochastic depth, arXiv 1603.09382).
    public var path = 0.0
    /// Of the features that the head takes (timm's `drop_rate`; the original model drops nothing there).
    public var head = 0.0

    /// Drops nothing.
    public init() {}

    /// The three rates of the original: of elements (after the position embedding, the attention's projection and
    /// twice in each MLP), of attention weights, and of branches.
    ///
    /// - Parameters:
    ///   - dropout: the rate of elements, from 0 on and below 1.
    ///   - attention: the rate of attention weights.
    ///   - path: the rate of branches in the last block; it rises linearly to that.
    public init(dropout: Double, attention: Double = 0, path: Double = 0) {
        position = dropout
        projection = dropout
        self.attention = attention
        self.path = path
    }

    /// - Throws: `ViTError.dropout` for a rate that is no probability.
    func validate() throws(ViTError) {
        let rates = [
            ("position", position), ("attention", attention), ("projection", projection), ("path", path),
            ("head", head),
        ]
        for (name, rate) in rates where !(0...1).contains(rate) {
            throw .dropout("the \(name) rate is \(rate), expected a probability from 0 to 1")
        }
    }
}

/// A place where a training-mode pass drops something.
struct DropoutSite {
    /// timm's name of the module.
    let name: String
    /// One factor for each element of this.
    let shape: Shape
    let rate: Double
}

extension ViTConfiguration {
    /// Every place where a training-mode pass may drop something, in the order of the walk.
    func dropoutSites(_ rates: DropoutRates, batch: Int) -> [DropoutSite] {
        var sites: [DropoutSite] = []
        func add(_ name: String, _ rate: Double, _ dimensions: Int...) {
            sites.append(DropoutSite(name: name, shape: Shape(unchecked: dimensions), rate: rate))
        }
        add("pos_drop", rates.position, batch, tokenCount, width)
        for block in 0..<depth {
            // linspace(0, rate, depth)
            let path = depth > 1 ? rates.path * Double(block) / Double(depth - 1) : 0
            let name = "blocks.\(block)"
            add("\(name).attn.attn_drop", rates.attention, batch, heads, tokenCount, tokenCount)
            add("\(name).attn.proj_drop", rates.projection, batch, tokenCount, width)
            add("\(name).drop_path1", path, batch, 1, 1)
            add("\(name).mlp.drop1", rates.projection, batch, tokenCount, hidden)
            add("\(name).mlp.drop2", rates.projection, batch, tokenCount, width)
            add("\(name).drop_path2", path, batch, 1, 1)
        }
        add("head_drop", rates.head, batch, featureCount)
        if distilled { add("head_drop_dist", rates.head, batch, featureCount) }
        return sites
    }
}
