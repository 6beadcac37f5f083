/// A tensor and the name it bears in its checkpoint.
public struct NamedTensor: Sendable {
    /// The name; nested dictionaries and lists joined with dots.
    public let name: String
    /// The tensor.
    public let view: TensorView

    /// Names a tensor.
    ///
    /// - Parameters:
    ///   - name: as the file spells it.
    ///   - view: the tensor.
    public init(_ name: String, _ view: TensorView) {
        self.name = name
        self.view = view
    }
}
