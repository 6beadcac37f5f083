import TensorCore

/// The intermediate results of a forward pass, in the order in which they were computed.
///
/// Names are those of the modules whose output the tensors are, as the library that owns the model has them.
public struct ActivationTrace: Sendable {
    /// One intermediate result.
    public struct Activation: Sendable, Equatable {
        /// The module whose output it is.
        public let name: String
        /// The values, row-major.
        public let tensor: FloatTensor
    }

    /// What was kept, in the order of execution.
    public private(set) var activations: [Activation] = []
    private let isWanted: @Sendable (String) -> Bool

    /// Keeps what `isWanted` says, by name; memory is one tensor for each.
    public init(where isWanted: @escaping @Sendable (String) -> Bool) {
        self.isWanted = isWanted
    }

    /// Keeps everything but the attention weights, which grow with the square of the number of tokens.
    public init() {
        self.init { !$0.hasSuffix(".attn_drop") }
    }

    /// Keeps the activations of these names.
    public init(names: Set<String>) {
        self.init { names.contains($0) }
    }

    /// The activation of this name, or nil.
    public subscript(name: String) -> FloatTensor? {
        activations.last { $0.name == name }?.tensor
    }

    package func wants(_ name: String) -> Bool { isWanted(name) }

    package mutating func append(_ name: String, _ tensor: FloatTensor) {
        activations.append(Activation(name: name, tensor: tensor))
    }
}
