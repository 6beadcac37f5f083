import TensorCore

extension MappedModel {
    /// Fits the position embedding to another grid; see ``PositionResampling``.
    mutating func resizePositions(from old: PatchGrid, to new: PatchGrid) throws(MappingError) {
        guard old != new, var positions = self["pos_embed"] else { return }
        do {
            positions.view = try PositionResampling.resize(positions.view, from: old, to: new)
        } catch {
            throw .impossibleChange("\(error)")
        }
        positions.operations.append("resample(\(old) to \(new), bicubic with antialias)")
        replace(positions)
        remarks.append("the position embedding was resampled from \(old) to \(new) patches")
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
