import TensorCore
import ViT

extension ModelDescription {
    /// Proves that what is said of a model is what its tensors are, and adds the labels.
    ///
    /// - Parameters:
    ///   - configuration: as names and shapes tell it, before any change that the user asked for.
    /// - Throws: `ToolkitError.modelDescription`, naming file, key and both values.
    func complete(_ configuration: inout ViTConfiguration) throws {
        try agree(patchSize, configuration.patchSize, text)
        try agree(imageSize, configuration.imageSize, text)
        try agree(channels, configuration.channels) { "\($0)" }
        try agree(width, configuration.width) { "\($0)" }
        try agree(depth, configuration.depth) { "\($0)" }
        try agree(hidden, configuration.mlp == .plain ? configuration.hidden : nil) { "\($0)" }
        try agree(qkvBias, configuration.qkvBias) { "\($0)" }
        if let poolerProblem, configuration.preLogits != nil { throw poolerProblem }
        guard configuration.classes > 0 else { return }
        try agree(classes, configuration.classes) { "\($0) classes" }
        try agree(labels.map { Fact(value: $0.value.count, place: $0.place) }, configuration.classes) {
            "\($0) classes"
        }
        configuration.labels = labels?.value
    }

    private func agree<Value: Equatable>(
        _ fact: Fact<Value>?, _ found: Value?, _ text: (Value) -> String
    ) throws {
        guard let fact, let found, fact.value != found else { return }
        throw ToolkitError.modelDescription(
            fact.place, detail: "it says \(text(fact.value)), the tensors say \(text(found))")
    }

    private func text(_ size: ViTConfiguration.Size) -> String { "\(size.height)×\(size.width)" }
}
