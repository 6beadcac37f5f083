import TensorCore

/// Parameters that are missing, have another shape, or that the model has no place for.
public struct ParameterError: Error, Sendable, Equatable {
    /// One parameter that does not fit its model.
    public enum Problem: Sendable, Equatable {
        /// The model has a parameter of this name and shape (where that is known), and none was given.
        case missing(name: String, shape: Shape?)
        /// The parameter has another shape than the model's.
        case shape(name: String, expected: Shape, found: Shape)
        /// The model has no parameter of this name.
        case unexpected(name: String)
    }

    /// All that do not fit, in the model's order.
    public let problems: [Problem]

    package init(problems: [Problem]) {
        self.problems = problems
    }
}

extension ParameterError: CustomStringConvertible {
    /// The error in words.
    public var description: String {
        "the parameters do not fit the configuration:\n  "
            + problems.map(\.description).joined(separator: "\n  ")
    }
}

extension ParameterError.Problem: CustomStringConvertible {
    /// The problem in words.
    public var description: String {
        switch self {
        case .missing(let name, let shape): "missing \(name)" + (shape.map { " \($0)" } ?? "")
        case .shape(let name, let expected, let found): "\(name): expected shape \(expected), found \(found)"
        case .unexpected(let name): "unexpected \(name)"
        }
    }
}
