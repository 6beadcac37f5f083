import TensorCore

extension MappedModel {
    /// Proves that the tensors are the model's parameters: each filled once and in its shape, no tensor left.
    ///
    /// - Parameter expected: the names and shapes of the model's parameters, in the model's order.
    /// - Returns: the parameters in the model's order.
    /// - Throws: `MappingError.incomplete` with the whole report when anything is amiss.
    /// - Complexity: linear, but for the search for near names when some are missing.
    package func prove(_ expected: [(name: String, shape: Shape)]) throws(MappingError) -> [MappedTensor] {
        let report = report(against: expected)
        guard report.isComplete else { throw .incomplete(path: path, scheme: scheme.name, report) }
        return expected.compactMap { self[$0.name] }
    }

    /// What became of each tensor, and of each parameter of a model.
    package func report(against expected: [(name: String, shape: Shape)]) -> MappingReport {
        var report = report
        let names = Set(expected.map(\.name))
        // A parameter of which the model has none is a tensor too many.
        var listed = Set(report.unexpected.map(\.name))
        for tensor in tensors where !names.contains(tensor.name) {
            for source in tensor.sources where listed.insert(source).inserted {
                let note = "the model has no \(tensor.name)"
                report.unexpected.append(.init(name: source, note: note))
            }
        }
        var search = NearestName(among: report.unexpected.map(\.name))
        let prefix = path.isEmpty ? "" : path + "."
        let unusable = Set(report.invalid.map(\.name))
        for (name, shape) in expected {
            guard let tensor = self[name] else {
                if unusable.contains(name) { continue }
                let nearest = search.nearest(to: prefix + name)
                report.missing.append(.init(name: name, nearest: nearest))
                continue
            }
            if tensor.view.shape != shape {
                report.mismatched.append(
                    .init(
                        name: name, expected: shape.dimensions, found: tensor.view.shape.dimensions,
                        sources: tensor.sources))
            }
        }
        return report
    }
}
