import Layers
import TensorCore

/// Images to patches: a convolution whose kernel and stride are the patch, as one matrix product.
struct PatchEmbed: Sendable {
    let projection: Linear
    let norm: LayerNorm?
    let configuration: ViTConfiguration

    init(_ parameters: ParameterSource, _ configuration: ViTConfiguration) throws {
        projection = try parameters.linear("patch_embed.proj")
        norm = try parameters.optionalNorm("patch_embed.norm", epsilon: Float(configuration.layerNormEpsilon))
        self.configuration = configuration
    }

    /// [B, channels, height, width] → one row of `width` per patch, patches in row-major order.
    func callAsFunction(_ images: Images, _ pass: ForwardPass) -> Matrix {
        let pixels = gather(images, pass)
        let patches = pass.workspace.matrix(
            .patches, rows: pixels.rowCount, columns: configuration.width)
        projection(pixels, into: patches)
        if let norm {
            norm(patches, into: patches)
            pass.keep("patch_embed.norm", patches)
        }
        pass.keep("patch_embed", patches)
        return patches
    }

    /// One row per patch: its pixels, channel by channel and row by row, as the convolution's weight has them.
    private func gather(_ images: Images, _ pass: ForwardPass) -> Matrix {
        let (grid, patch) = (configuration.gridSize, configuration.patchSize)
        let (image, channels) = (configuration.imageSize, configuration.channels)
        let pixels = pass.workspace.matrix(
            .patchPixels, rows: images.count * grid.height * grid.width,
            columns: channels * patch.height * patch.width)
        Parallel.forEach(images.count * grid.height) { index in
            let (number, gridRow) = (index / grid.height, index % grid.height)
            let source = images.start + number * channels * image.height * image.width
            for column in 0..<grid.width {
                var target = pixels.start + (index * grid.width + column) * pixels.stride
                for channel in 0..<channels {
                    for row in 0..<patch.height {
                        let line = (channel * image.height + gridRow * patch.height + row) * image.width
                        target.update(from: source + line + column * patch.width, count: patch.width)
                        target += patch.width
                    }
                }
            }
        }
        return pixels
    }
}

/// Some of a batch's images where they lie in memory.
struct Images: Sendable {
    nonisolated(unsafe) let start: UnsafePointer<Float>
    let count: Int
}
