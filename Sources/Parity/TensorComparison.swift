import TensorCore

/// How one computed tensor compares with its reference.
public struct TensorComparison: Sendable, Equatable {
    /// The element that lies farthest beyond what is allowed.
    public struct Place: Sendable, Equatable {
        /// Its index along each axis.
        public let index: [Int]
        /// What was computed there.
        public let computed: Float
        /// What the reference holds there.
        public let reference: Float
    }

    /// The tensor's name in the reference.
    public let name: String
    /// The reference's shape.
    public let shape: [Int]
    /// Whether every element lies within the tolerance.
    public package(set) var passed = true
    /// The largest |a − b|; infinite when a number stands against something that is none.
    public package(set) var maxAbsoluteError = 0.0
    /// The largest |a − b| / |b| among elements with b ≠ 0.
    public package(set) var maxRelativeError = 0.0
    /// The root of the mean of (a − b)².
    public package(set) var rootMeanSquareError = 0.0
    /// The cosine of the angle between the two tensors as vectors; 1 when both are zero.
    public package(set) var cosineSimilarity = 0.0
    /// The absolute part of the tolerance that held for this tensor.
    public package(set) var absoluteTolerance = 0.0
    /// The relative part.
    public package(set) var relativeTolerance = 0.0
    /// How many elements lie outside the tolerance.
    public package(set) var failures = 0
    /// How many elements are no number in either tensor.
    public package(set) var notNumbers = 0
    /// The element that lies farthest outside the tolerance, or has the largest error when none does.
    public package(set) var worst: Place?
    /// Why the tensors could not be compared.
    public package(set) var message: String?

    init(name: String, shape: Shape) {
        self.name = name
        self.shape = shape.dimensions
    }

    /// Tensors that cannot be compared: failed.
    init(name: String, shape: Shape, message: String) {
        self.init(name: name, shape: shape)
        passed = false
        maxAbsoluteError = .infinity
        maxRelativeError = .infinity
        rootMeanSquareError = .infinity
        self.message = message
    }
}
