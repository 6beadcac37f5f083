import Checkpoints
import TensorCore
import ViT

extension Inspection {
    /// What the weights of a Vision Transformer look like; nothing for other models.
    ///
    /// - Throws: `CheckpointError` when they cannot be read.
    func pictures() throws -> ReportPage.Section? {
        guard let model, let configuration = try? model.configuration else { return nil }
        return try ToolkitError.inFile(checkpoint.path) {
            let views = model.parametersByName
            let figures = [
                try views["pos_embed"].flatMap { try positions($0, configuration) },
                try views["patch_embed.proj.weight"].flatMap { try PatchFilters($0) }.map(filters),
            ].compactMap(\.self)
            guard !figures.isEmpty else { return nil }
            return ReportPage.Section(
                title: "Positions and patch filters",
                content: "<div class=\"pictures\">\n\(Markup(figures))</div>\n")
        }
    }

    private func positions(_ view: TensorView, _ configuration: ViTConfiguration) throws -> Markup? {
        let grid = configuration.gridSize
        let width = configuration.width
        let values = try view.floats()
        let first = values.count - grid.height * grid.width * width
        guard width > 0, first >= 0 else { return nil }
        let vectors = stride(from: first, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
        guard let similarity = PositionSimilarity(vectors, height: grid.height, width: grid.width) else {
            return nil
        }
        let isWhole = similarity.maps.count == vectors.count
        let shown = isWhole ? "each" : "\(similarity.maps.count)"
        let picture = similarity.picture
        return """
            <figure><figcaption><h3>Similarity of position embeddings</h3>For \(shown) of the \
            \(grid.height) × \(grid.width) positions, laid out as they lie in the image, a map of its cosine similarity \
            with all of them.</figcaption>
            \(try image(picture.png(), picture.width, picture.height, "Maps of the similarity of position embeddings"))
            <p>−1 <span class="scale" role="img" aria-label="from dark blue to yellow"></span> 1</p></figure>

            """
    }

    private func filters(_ filters: PatchFilters) throws -> Markup {
        let count = filters.components.count
        let picture = filters.picture
        return """
            <figure><figcaption><h3>Principal components of the patch filters</h3>The first \(count), the largest first. \
            Grey is zero; each has a scale of its own.</figcaption>
            \(try image(picture.png(), picture.width, picture.height, "The first \(count) principal components"))</figure>

            """
    }

    /// A picture within the page, enlarged by a whole number.
    private func image(_ png: [UInt8], _ width: Int, _ height: Int, _ description: String) -> Markup {
        let times = max(1, Self.largestSide / max(width, height))
        return """
            <img src="data:image/png;base64,\(Base64.text(of: png))" width="\(width * times)" \
            height="\(height * times)" alt="\(description)"/>
            """
    }

    private static var largestSide: Int { 440 }
}
