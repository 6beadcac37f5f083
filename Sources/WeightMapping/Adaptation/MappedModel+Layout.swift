import TensorCore

extension MappedModel {
    /// Fits the position embedding to another grid; see ``PositionResampling``.
    mutating func resizePositions(
        from old: PatchGrid, to new: PatchGrid, _ interpolation: PositionInterpolation
    ) throws(MappingError) {
        guard old != new, var positions = self["pos_embed"] else { return }
        do {
            positions.view = try PositionResampling.resize(positions.view, from: old, to: new, interpolation)
        } catch {
            throw .impossibleChange("\(error)")
        }
        positions.operations.append("resample(\(old) to \(new), \(interpolation.words))")
        replace(positions)
        remarks.append("the position embedding was resampled from \(old) to \(new) patches")
    }

    /// Puts right what is laid out otherwise than names and shapes say.
    ///
    /// - Throws: `MappingError.impossibleChange` when nothing in the model is as `repairs` say.
    package mutating func repair(_ repairs: Repairs, _ geometry: Repairs.Geometry) throws(MappingError) {
        guard repairs != Repairs() else { return }
        var count = 0
        do {
            try update { tensor in
                guard let repaired = try repairs.repaired(tensor.name, tensor.view, geometry) else { return }
                tensor.view = repaired.view
                tensor.operations += repaired.operations
                count += 1
            }
        } catch {
            throw .impossibleChange("\(error)")
        }
        guard count > 0 || repairs.qkvOrder == .canonical else {
            throw .impossibleChange("the model has no parameter that could be rearranged so")
        }
        if count > 0 { remarks.append("\(count) parameters were rearranged as asked") }
    }

    /// Gives all parameters one type.
    mutating func convert(to dtype: DType) throws(MappingError) {
        var sources: Set<String> = []
        do {
            try update { tensor in
                guard tensor.view.dtype != dtype else { return }
                sources.insert(tensor.view.dtype.rawValue)
                tensor.operations.append("convert(\(tensor.view.dtype.rawValue) to \(dtype.rawValue))")
                tensor.view = try tensor.view.converted(to: dtype)
            }
        } catch {
            throw .impossibleChange("\(error)")
        }
        guard !sources.isEmpty else { return }
        let list = sources.sorted().joined(separator: " and ")
        remarks.append("parameters in \(list) were converted to \(dtype.rawValue)")
    }
}
