import TensorCore

extension ViTConfiguration {
    /// Matrix products of one size, and how often they occur.
    package struct ProductShape: Sendable, Hashable {
        package let rows: Int
        package let columns: Int
        package let inner: Int
        package let count: Int

        /// Two operations for each multiplication and addition.
        package var operationCount: Double {
            2 * Double(rows) * Double(columns) * Double(inner) * Double(count)
        }
    }

    /// Every matrix product of a forward pass over `batch` images, in the order of the walk.
    ///
    /// Attention's products are listed head by head and image by image; the attention pooling is left out.
    package func matrixProducts(batch: Int) -> [ProductShape] {
        let tokens = batch * tokenCount
        let fc1 = mlp == .plain ? hidden : 2 * hidden
        var list = [
            ProductShape(
                rows: batch * patchCount, columns: width,
                inner: channels * patchSize.height * patchSize.width, count: 1),
            ProductShape(rows: tokens, columns: 3 * width, inner: width, count: depth),
            ProductShape(
                rows: tokenCount, columns: tokenCount, inner: headWidth, count: depth * heads * batch),
            ProductShape(
                rows: tokenCount, columns: headWidth, inner: tokenCount, count: depth * heads * batch),
            ProductShape(rows: tokens, columns: width, inner: width, count: depth),
            ProductShape(rows: tokens, columns: fc1, inner: width, count: depth),
            ProductShape(rows: tokens, columns: width, inner: hidden, count: depth),
        ]
        if let preLogits {
            list.append(ProductShape(rows: batch, columns: preLogits, inner: width, count: 1))
        }
        if classes > 0 {
            list.append(
                ProductShape(rows: batch, columns: classes, inner: featureCount, count: distilled ? 2 : 1))
        }
        return list
    }
}
