import TensorCore
import ViT
import WeightMapping

extension ViTConfiguration {
    package mutating func adapt(_ mapped: inout MappedModel, _ options: ModelOptions) throws {
        try mapped.repair(options.repairs, layout)
        var adaptation = Adaptation()
        adaptation.interpolation = options.interpolation
        adaptation.classes = options.classes
        adaptation.dropsPreLogits = options.dropsPreLogits
        adaptation.dtype = options.dtype
        if let size = options.imageSize, size != imageSize {
            guard size.height >= patchSize.height, size.width >= patchSize.width
            else {
                throw ToolkitError.impossible(
                    "an image of \(size.height)×\(size.width) pixels is smaller than one patch of "
                        + "\(patchSize.height)×\(patchSize.width)")
            }
            let old = gridSize
            imageSize = size
            let new = gridSize
            adaptation.grids = (
                PatchGrid(height: old.height, width: old.width),
                PatchGrid(height: new.height, width: new.width)
            )
        }
        if options.dropsPreLogits { preLogits = nil }
        if let classes = options.classes {
            if classes > 0, self.classes == 0 { headBias = true }
            if classes != self.classes { labels = nil }
            self.classes = classes
        }
        try validate()
        let fresh = ViTInitialisation(self, seed: options.seed)
        try mapped.adapt(adaptation) { name, shape, dtype in
            guard let view = try fresh.parameters().first(where: { $0.name == name })?.tensor else {
                throw ToolkitError.impossible("the model has no parameter \(name) to initialise")
            }
            return try view.converted(to: dtype)
        }
    }
}

extension ViTConfiguration {
    /// The sizes by which rows and columns of parameters are told apart.
    var layout: Repairs.Geometry {
        Repairs.Geometry(
            heads: heads, prefixRows: positionPrefixCount,
            grid: PatchGrid(height: gridSize.height, width: gridSize.width))
    }
}
