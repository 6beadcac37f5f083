import Layers
import TensorCore

extension ViTConfiguration {
    /// How many tokens of each image go on after the last block, the first ones; nil when all of them do.
    var leadingTokenCount: Int? { pooling == .token ? (distilled ? 2 : 1) : nil }

    /// Every matrix product of a forward pass over `batch` images, about in the order of the walk.
    ///
    /// Attention's products are listed head by head and image by image. Where the class token alone goes on, the
    /// last block computes only what it needs.
    package func matrixProducts(batch: Int) -> [ProductShape] {
        let patch = channels * patchSize.height * patchSize.width
        var list = [ProductShape(batch * patchCount, width, inner: patch)]
        let shortened = leadingTokenCount == nil ? 0 : min(1, depth)
        list += block(tokens: nil, batch: batch, count: depth - shortened)
        list += block(tokens: leadingTokenCount, batch: batch, count: shortened)
        if pooling == .attention { list += attentionPool(batch: batch) }
        if let preLogits {
            list.append(ProductShape(batch * (distilled ? 2 : 1), preLogits, inner: pooledCount))
        }
        if classes > 0 {
            list.append(ProductShape(batch, classes, inner: featureCount, count: distilled ? 2 : 1))
        }
        return list.filter { $0.count > 0 }
    }

    /// The products of `count` blocks, for the first `tokens` of each image or for all of them.
    private func block(tokens: Int?, batch: Int, count: Int) -> [ProductShape] {
        let (rows, all) = (batch * (tokens ?? tokenCount), batch * tokenCount)
        var list =
            tokens == nil
            ? [ProductShape(all, 3 * width, inner: width, count: count)]
            : [
                ProductShape(rows, width, inner: width, count: count),
                ProductShape(all, 2 * width, inner: width, count: count),
            ]
        list += attention(rows: tokens ?? tokenCount, tokens: tokenCount, count: count * heads * batch)
        list.append(ProductShape(rows, width, inner: width, count: count))
        switch mlp {
        case .plain: list.append(ProductShape(rows, hidden, inner: width, count: count))
        case .swiGLUPacked: list.append(ProductShape(rows, 2 * hidden, inner: width, count: count))
        case .swiGLU: list.append(ProductShape(rows, hidden, inner: width, count: 2 * count))
        }
        list.append(ProductShape(rows, width, inner: hidden, count: count))
        return list
    }

    private func attention(rows: Int, tokens: Int, count: Int) -> [ProductShape] {
        [
            ProductShape(rows, tokens, inner: headWidth, count: count),
            ProductShape(rows, headWidth, inner: tokens, count: count, transposesRight: false),
        ]
    }

    private func attentionPool(batch: Int) -> [ProductShape] {
        [
            ProductShape(1, width, inner: width),
            ProductShape(batch * patchCount, 2 * width, inner: width),
        ] + attention(rows: 1, tokens: patchCount, count: heads * batch) + [
            ProductShape(batch, width, inner: width),
            ProductShape(batch, poolHidden, inner: width),
            ProductShape(batch, width, inner: poolHidden),
        ]
    }
}
