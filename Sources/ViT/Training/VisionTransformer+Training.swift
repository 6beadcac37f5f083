import Layers
import TensorCore

/// What a model puts out in training mode.
public struct TrainingOutput: Sendable, Equatable {
    /// The class head's logits, `[batch, classes]`; the features of a model without a head.
    public let logits: FloatTensor
    /// The distillation head's logits where the model is distilled, or nil.
    public let distillation: FloatTensor?
}

/// The forward pass in training mode: dropout, stochastic depth, and both outputs of a distilled model.
///
/// There is no backward pass. The whole batch passes at once.
extension VisionTransformer {
    /// A training-mode pass whose random draws all come from the given generator, on the calling thread and in the
    /// order of the walk: the same generator gives the same output for any number of threads.
    ///
    /// ```swift
    /// var generator = RandomSource(seed: 1)
    /// let output = try model.forward(images, training: DropoutRates(dropout: 0.1, path: 0.1), using: &generator)
    /// ```
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - rates: what is dropped; where a rate is 0 nothing is drawn.
    ///   - generator: left behind as the draws leave it, so that the next pass draws anew.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Throws: `ViTError.dropout` for a rate that is no probability; `ViTError` when the images or the mask have
    ///   another shape than the model takes.
    public func forward(
        _ images: FloatTensor, training rates: DropoutRates,
        using generator: inout some RandomNumberGenerator,
        mask: AttentionMask? = nil
    ) throws(ViTError) -> TrainingOutput {
        let source = DrawnDropout(rates: try siteRates(rates), generator: generator)
        defer { generator = source.generator }
        var trace: ActivationTrace?
        return try train(images, source, mask: mask, trace: &trace)
    }

    /// A training-mode pass that replays masks which were drawn elsewhere: by torch, or by
    /// ``dropoutMasks(count:rates:using:)``.
    ///
    /// - Parameters:
    ///   - images: `[batch, channels, height, width]`.
    ///   - masks: by timm's name of the module that drops (`pos_drop`, `blocks.0.attn.attn_drop`,
    ///     `blocks.0.attn.proj_drop`, `blocks.0.drop_path1`, `blocks.0.mlp.drop1`, …, `head_drop`, `head_drop_dist`)
    ///     the factors with which it multiplies its input: as many as it has, and `[batch, 1, 1]` for a `drop_path`.
    ///     A module without factors drops nothing.
    ///   - mask: what each block's attention adds to its scores, or nil.
    /// - Throws: `ViTError.dropout` when there is no such module, or its input has another shape; `ViTError` when the
    ///   images or the mask have another shape than the model takes.
    public func forward(
        _ images: FloatTensor, dropout masks: [String: FloatTensor], mask: AttentionMask? = nil
    ) throws(ViTError) -> TrainingOutput {
        let sites = configuration.dropoutSites(DropoutRates(), batch: images.shape.dimensions.first ?? 0)
        let shapes = Dictionary(uniqueKeysWithValues: sites.map { ($0.name, $0.shape) })
        for name in masks.keys.sorted() {
            guard let expected = shapes[name] else {
                throw .dropout("there is no \(name) in the model that could drop anything")
            }
            guard let found = masks[name]?.shape, found == expected else {
                throw .dropout(
                    "\(name): expected factors of shape \(expected), found \(masks[name]?.shape ?? .scalar)")
            }
        }
        var trace: ActivationTrace?
        return try train(images, RecordedDropout(masks), mask: mask, trace: &trace)
    }

    /// The masks of a pass over `count` images: those that
    /// ``forward(_:training:using:mask:)`` draws from the same generator.
    ///
    /// - Parameters:
    ///   - count: the number of images.
    ///   - rates: what is dropped; where a rate is 0 there is no mask.
    ///   - generator: left behind as the draws leave it.
    /// - Returns: by timm's name of the module the factors 0 and 1/(1 − rate), for each module whose rate is above 0.
    /// - Throws: `ViTError.dropout` for a rate that is no probability.
    public func dropoutMasks(
        count: Int, rates: DropoutRates, using generator: inout some RandomNumberGenerator
    ) throws(ViTError) -> [String: FloatTensor] {
        let source = DrawnDropout(rates: try siteRates(rates), generator: generator)
        defer { generator = source.generator }
        var masks: [String: FloatTensor] = [:]
        for site in configuration.dropoutSites(rates, batch: max(0, count)) {
            var mask = FloatTensor(zeros: site.shape)
            let isDropping = mask.values.withUnsafeMutableBufferPointer { source.fill(site.name, $0) }
            if isDropping { masks[site.name] = mask }
        }
        return masks
    }

    private func siteRates(_ rates: DropoutRates) throws(ViTError) -> [String: Double] {
        try rates.validate()
        return Dictionary(
            uniqueKeysWithValues: configuration.dropoutSites(rates, batch: 0).map { ($0.name, $0.rate) })
    }

    func train(
        _ images: FloatTensor, _ source: some DropoutSource, mask: AttentionMask?,
        trace: inout ActivationTrace?
    ) throws(ViTError) -> TrainingOutput {
        let outputs = try run(images, trace: &trace, mask: mask, dropout: source, to: outputs).flatMap(\.self)
        return TrainingOutput(logits: outputs[0], distillation: outputs.count > 1 ? outputs[1] : nil)
    }
}
