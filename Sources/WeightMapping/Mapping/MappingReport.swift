import TensorCore

/// What became of each tensor of a checkpoint and of each parameter of the model.
///
/// Names of parameters are canonical; names of tensors are those of the file.
public struct MappingReport: Sendable, Equatable {
    /// A parameter that no tensor fills.
    public struct Missing: Sendable, Equatable {
        /// The parameter.
        public let name: String
        /// The tensor without a use whose name is most like what was looked for.
        public let nearest: String?
    }

    /// A tensor that no rule has a place for.
    public struct Unexpected: Sendable, Equatable {
        /// The tensor.
        public let name: String
        /// What it would need, where a rule knows it in part.
        public let note: String?
    }

    /// A parameter whose tensor has another shape than the model asks for.
    public struct Mismatch: Sendable, Equatable {
        /// The parameter.
        public let name: String
        /// The shape that the model asks for.
        public let expected: [Int]
        /// The shape that its tensors make.
        public let found: [Int]
        /// The tensors.
        public let sources: [String]
    }

    /// A parameter that more than one tensor fills.
    public struct Duplicate: Sendable, Equatable {
        /// The parameter.
        public let name: String
        /// The tensors that claim it.
        public let sources: [String]
    }

    /// A parameter whose tensors cannot be brought into its form.
    public struct Invalid: Sendable, Equatable {
        /// The parameter.
        public let name: String
        /// The tensors.
        public let sources: [String]
        /// What stands in the way.
        public let detail: String
    }

    /// A tensor that is left out with reason.
    public struct Ignored: Sendable, Equatable {
        /// The tensor.
        public let name: String
        /// Why it has no place in the model.
        public let reason: String
    }

    /// Parameters that no tensor fills, in the model's order.
    public package(set) var missing: [Missing] = []
    /// Tensors that no rule has a place for, in the file's order.
    public package(set) var unexpected: [Unexpected] = []
    /// Parameters of another shape than the model asks for.
    public package(set) var mismatched: [Mismatch] = []
    /// Parameters that are filled more than once.
    public package(set) var duplicates: [Duplicate] = []
    /// Parameters whose tensors are of no use.
    public package(set) var invalid: [Invalid] = []
    /// Tensors that are left out with reason: no fault.
    public package(set) var ignored: [Ignored] = []

    package init() {}

    /// Whether every parameter is filled once, in its shape, and every tensor used or left out with reason.
    public var isComplete: Bool {
        missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty && duplicates.isEmpty && invalid.isEmpty
    }
}
