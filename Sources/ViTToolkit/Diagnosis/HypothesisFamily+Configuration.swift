import ViT

/// What shapes do not tell of a model.
extension HypothesisFamily {
    static let gelu = HypothesisFamily { subject in
        let current = subject.configuration.gelu
        guard subject.configuration.mlp == .plain else { return [] }
        return ViTConfiguration.GELU.allCases.filter { $0 != current }.map { gelu in
            Hypothesis(
                .gelu, "GELU \(gelu.rawValue) instead of \(current.rawValue)",
                flag: "--gelu \(gelu.rawValue)",
                at: .mlpActivation, isSubtle: true
            ) { $0.configuration.gelu = gelu }
        }
    }

    /// Those of timm and Google, of PyTorch, of transformers, of Keras.
    static let epsilon = HypothesisFamily { subject in
        let current = subject.configuration.layerNormEpsilon
        let first: NetworkPlace.Part =
            subject.configuration.patchNorm ? .patches : subject.configuration.preNorm ? .preNorm : .norm1
        return ["1e-6", "1e-5", "1e-12", "1e-3"].compactMap { text in
            guard let epsilon = Double(text), epsilon != current else { return nil }
            return Hypothesis(
                .layerNormEpsilon, "LayerNorm epsilon \(text) instead of \(short(current))",
                flag: "--layer-norm-epsilon \(text)", at: first, isSubtle: true
            ) { $0.configuration.layerNormEpsilon = epsilon }
        }
    }

    /// As it is typed: 1e-6, and not 1e-06.
    private static func short(_ epsilon: Double) -> String {
        "\(epsilon)".replacing("e-0", with: "e-")
    }

    /// Heads of 64, as nearly all models have, then of other usual lengths, then any that divide the width.
    static let heads = HypothesisFamily { subject in
        let (width, current) = (subject.configuration.width, subject.configuration.heads)
        // The norms of queries and keys are as long as a head.
        guard !subject.configuration.qkNorm else { return [] }
        let usual = [64, 32, 80, 96, 128, 48, 88, 72, 40, 16, 8, 24, 4, 2]
        let lengths = usual.filter { width % $0 == 0 && width / $0 != current }
        return lengths.prefix(8).map { length in
            let heads = width / length
            return Hypothesis(
                .heads, "\(heads) attention heads instead of \(current)", flag: "--heads \(heads)",
                at: .attention, until: .projection
            ) { $0.configuration.heads = heads }
        }
    }

    static let pooling = HypothesisFamily { subject in
        let configuration = subject.configuration
        guard !configuration.distilled, configuration.norm || configuration.fcNorm else { return [] }
        var hypotheses: [Hypothesis] = []
        func add(_ pooling: ViTConfiguration.Pooling, fcNorm: Bool) {
            guard configuration.pooling != pooling || configuration.fcNorm != fcNorm else { return }
            func words(_ pooling: ViTConfiguration.Pooling, _ fcNorm: Bool) -> String {
                pooling == .token
                    ? "the class token's row"
                    : "the patches' mean, taken \(fcNorm ? "before" : "after") the last norm,"
            }
            let now = words(configuration.pooling, configuration.fcNorm)
            // Which norm it is stands in the names, and not in a flag.
            let renames = fcNorm != configuration.fcNorm
            hypotheses.append(
                Hypothesis(
                    .pooling, "features are \(words(pooling, fcNorm)) instead of \(now)".trimmingComma,
                    flag: renames ? nil : "--pool \(pooling.rawValue)",
                    advice: renames
                        ? "rename the last norm to \(fcNorm ? "fc_norm" : "norm") in the checkpoint, or map it so "
                            + "with --rules" : nil, at: .norm, until: .pooling
                ) { variant in
                    variant.configuration.pooling = pooling
                    guard renames else { return }
                    (variant.configuration.norm, variant.configuration.fcNorm) = (!fcNorm, fcNorm)
                    for part in ["weight", "bias"] {
                        let names = ["norm.\(part)", "fc_norm.\(part)"]
                        let (old, new) = fcNorm ? (names[0], names[1]) : (names[1], names[0])
                        variant.parameters[new] = variant.parameters.removeValue(forKey: old)
                    }
                })
        }
        guard configuration.pooling == .token || configuration.pooling == .average,
            !(configuration.norm && configuration.fcNorm)
        else { return [] }
        if configuration.classToken { add(.token, fcNorm: false) }
        add(.average, fcNorm: false)
        if configuration.preLogits == nil { add(.average, fcNorm: true) }
        return hypotheses
    }

    static let preLogits = HypothesisFamily { subject in
        let configuration = subject.configuration
        if configuration.preLogits == configuration.width {
            return [
                Hypothesis(
                    .preLogits, "no pre-logits layer instead of one", flag: "--no-pre-logits", at: .preLogits,
                    until: .logits
                ) { $0.configuration.preLogits = nil }
            ]
        }
        guard subject.prepared.options.dropsPreLogits else { return [] }
        var options = subject.prepared.options
        options.dropsPreLogits = false
        let whole = try PreparedModel(subject.prepared.checkpoint, options: options)
        guard let size = try whole.configuration.preLogits else { return [] }
        let layer = whole.parameters.filter { $0.name.hasPrefix("pre_logits.") }
        return [
            Hypothesis(
                .preLogits, "the pre-logits layer instead of none",
                advice: "leave --no-pre-logits out", at: .preLogits, until: .logits
            ) { variant in
                variant.configuration.preLogits = size
                for tensor in layer {
                    variant.parameters[tensor.name] = try ModelVariant.widened(tensor.view)
                }
            }
        ]
    }

    /// A reference of features, told by their number.
    static let head = HypothesisFamily { subject in
        let (configuration, columns) = (subject.configuration, subject.reference.logits.shape[1])
        guard configuration.classes > 0, !configuration.distilled, columns != configuration.classes,
            columns == configuration.featureCount
        else { return [] }
        return [
            Hypothesis(
                .head, "features instead of the head's logits", flag: "--drop-head", at: .head, until: .logits
            ) { variant in
                variant.configuration.classes = 0
                variant.configuration.labels = nil
            }
        ]
    }
}

extension String {
    fileprivate var trimmingComma: String { hasSuffix(",") ? String(dropLast()) : self }
}
