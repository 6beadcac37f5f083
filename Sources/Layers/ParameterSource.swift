import TensorCore

/// Hands out a model's parameters by name, after proving that there are exactly the right ones.
package final class ParameterSource {
    private let views: [String: TensorView]
    /// The bytes of all parameters that could not stay where they were.
    package private(set) var copiedByteCount = 0

    /// - Parameter expected: every parameter that the model has.
    /// - Throws: `ParameterError` with every problem.
    package init(_ views: [String: TensorView], for expected: [ModelParameter]) throws {
        var problems: [ParameterError.Problem] = []
        for parameter in expected {
            guard let view = views[parameter.name] else {
                problems.append(.missing(name: parameter.name, shape: parameter.shape))
                continue
            }
            if view.shape != parameter.shape {
                problems.append(.shape(name: parameter.name, expected: parameter.shape, found: view.shape))
            }
        }
        let names = Set(expected.map(\.name))
        problems += views.keys.filter { !names.contains($0) }.sorted().map { .unexpected(name: $0) }
        guard problems.isEmpty else { throw ParameterError(problems: problems) }
        self.views = views
    }

    /// A parameter that the model has.
    package func parameter(_ name: String) throws -> Parameter {
        guard let parameter = try optional(name) else {
            throw ParameterError(problems: [.missing(name: name, shape: nil)])
        }
        return parameter
    }

    /// A parameter that the model may or may not have.
    package func optional(_ name: String) throws -> Parameter? {
        guard let view = views[name] else { return nil }
        let parameter = try Parameter(view)
        if !parameter.isBorrowed {
            copiedByteCount += view.shape.elementCount * MemoryLayout<Float>.stride
        }
        return parameter
    }

    package func linear(_ name: String) throws -> Linear {
        Linear(weight: try parameter("\(name).weight"), bias: try optional("\(name).bias"))
    }

    /// A norm; one without a bias gets zeros.
    package func norm(_ name: String, epsilon: Float) throws -> LayerNorm {
        let weight = try parameter("\(name).weight")
        let bias = try optional("\(name).bias") ?? Parameter(zeros: weight.shape)
        return LayerNorm(weight: weight, bias: bias, epsilon: epsilon)
    }

    /// A norm that the model may or may not have.
    package func optionalNorm(_ name: String, epsilon: Float) throws -> LayerNorm? {
        views["\(name).weight"] == nil ? nil : try norm(name, epsilon: epsilon)
    }
}
