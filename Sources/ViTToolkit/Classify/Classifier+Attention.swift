import Pictures
import TensorCore
import ViT

extension Classifier {
    /// Attention weights that are held at a time, in bytes.
    private static let budget = 512 << 20

    /// How much of each patch is in the class token's features, `rows · columns` shares: attention rollout, which
    /// averages the heads, counts the way around each block as much as the way through it, and multiplies the blocks.
    /// Where there is no class token, the patches' own rows are averaged.
    ///
    /// Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", arXiv 2005.00928.
    package func rollout(_ images: FloatTensor) throws -> [Double] {
        let count = configuration.tokenCount
        let prefix = configuration.prefixCount
        var row = [Double](repeating: 0, count: count)
        if configuration.classToken {
            row[0] = 1
        } else {
            for patch in prefix..<count { row[patch] = 1 / Double(count - prefix) }
        }
        let size = configuration.heads * count * count * 4
        let step = max(1, Self.budget / max(1, size))
        // From the last block to the first: a row times each block's matrix in turn.
        for end in stride(from: configuration.depth, to: 0, by: -step) {
            let blocks = max(0, end - step)..<end
            let maps = try model.features(
                images, blocks.map { ViT.VisionTransformer.Feature.attention(block: $0) })
            for map in maps.reversed() { row = through(map, row) }
        }
        return Array(row[prefix...])
    }

    private func through(_ map: FloatTensor, _ row: [Double]) -> [Double] {
        let (heads, count) = (map.shape[1], map.shape[2])
        var result = row.map { 0.5 * $0 }
        for head in 0..<heads {
            for token in 0..<count where row[token] != 0 {
                let share = 0.5 * row[token] / Double(heads)
                let start = (head * count + token) * count
                for other in 0..<count { result[other] += share * Double(map.values[start + other]) }
            }
        }
        return result
    }

    /// The part of the picture that the model sees, twice as large, in the light of its attention: what counts most is
    /// bright, what counts least almost dark.
    ///
    /// - Throws: `ViTError`.
    public func attention(_ picture: Picture) throws -> Picture {
        let shares = try rollout(try transform.input(from: picture))
        let (least, most) = (shares.min() ?? 0, shares.max() ?? 0)
        let light = shares.map { most > least ? ($0 - least) / (most - least) : 1 }
        let grid = configuration.gridSize
        let map = Picture(
            width: grid.width, height: grid.height,
            pixels: light.flatMap { [UInt8](repeating: UInt8(($0 * 255).rounded()), count: 3) })
        let view = transform.view(of: picture, times: 2)
        let window = PictureWindow(left: 0, top: 0, width: view.width, height: view.height)
        let lit = map.resized(width: view.width, height: view.height, by: .bicubic, window: window)
        return Picture(
            width: view.width, height: view.height,
            pixels: zip(view.pixels, lit.pixels).map { pixel, light in
                UInt8((Double(pixel) * (0.15 + 0.85 * Double(light) / 255)).rounded())
            })
    }
}
