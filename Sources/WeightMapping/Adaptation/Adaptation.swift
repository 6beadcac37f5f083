import TensorCore

/// Changes to a model on its way through a conversion: another head, another image size, another type.
package struct Adaptation: Sendable {
    /// How many classes the head is to tell apart; 0 takes the head away; nil leaves it as it is.
    package var classes: Int?
    /// Whether the pre-logits layer is taken away.
    package var dropsPreLogits = false
    /// The grid of patches that the position embedding was made for, and the one that is wanted.
    package var grids: (old: PatchGrid, new: PatchGrid)?
    /// How it is fitted to that.
    package var interpolation = PositionInterpolation.bicubicAntialias
    /// The type that all parameters get.
    package var dtype: DType?

    package init() {}

    /// Gives the values of a parameter that is made anew: its name, its shape, and the type of its neighbours.
    package typealias Initializer = (_ name: String, _ shape: Shape, _ dtype: DType) throws -> TensorView
}

extension MappedModel {
    /// Carries out the changes, in the order head, pre-logits, positions, type.
    ///
    /// What was done stands in each parameter's operations, in ``remarks``, and for what was left out in the
    /// report.
    ///
    /// - Parameter initializer: gives the values of a new head.
    /// - Throws: `MappingError.impossibleChange`; whatever `initializer` throws.
    package mutating func adapt(_ adaptation: Adaptation, initializer: Adaptation.Initializer) throws {
        if let classes = adaptation.classes {
            try setClasses(classes, keepsPreLogits: !adaptation.dropsPreLogits, initializer)
        }
        if adaptation.dropsPreLogits { try dropPreLogits() }
        if let grids = adaptation.grids {
            try resizePositions(from: grids.old, to: grids.new, adaptation.interpolation)
        }
        if let dtype = adaptation.dtype { try convert(to: dtype) }
    }
}
