import TensorCore

/// Whether a model computes what a reference says, and if not, where it goes astray.
public struct ParityReport: Sendable, Equatable {
    /// The comparison of the logits, or of what else is the model's output.
    public let logits: TensorComparison
    /// The share of images whose best class agrees; nil where the output are no classes.
    public let top1Agreement: Double?
    /// The share of the reference's five best classes that are among the computed five best.
    public let top5Agreement: Double?
    /// The activations that both sides have, in execution order.
    public let activations: [TensorComparison]
    /// Activations of the reference that the model does not put out.
    public let notCompared: [String]

    /// Whether the logits and every activation that was compared lie within the tolerance.
    public var passed: Bool { logits.passed && activations.allSatisfy(\.passed) }

    /// The first tensor in execution order that lies outside the tolerance.
    public var firstDivergence: String? {
        (activations + [logits]).first { !$0.passed }?.name
    }
}

extension ParityReport {
    /// The report for programs: the shape of `verify --json`.
    package var json: JSONValue {
        .object([
            "passed": .bool(passed),
            "maxAbsoluteError": .number(logits.maxAbsoluteError),
            "maxRelativeError": .number(logits.maxRelativeError),
            "rootMeanSquareError": .number(logits.rootMeanSquareError),
            "cosineSimilarity": .number(logits.cosineSimilarity),
            "top1Agreement": top1Agreement.map { .number($0) },
            "top5Agreement": top5Agreement.map { .number($0) },
            "tolerance": .object([
                "absolute": .number(logits.absoluteTolerance), "relative": .number(logits.relativeTolerance),
            ]),
            "logits": logits.json,
            "activations": .array(activations.map(\.json)),
            "notCompared": .strings(notCompared),
            "firstDivergence": firstDivergence.map { .string($0) },
        ])
    }
}

extension TensorComparison {
    /// The comparison for programs.
    package var json: JSONValue {
        .object([
            "name": .string(name),
            "passed": .bool(passed),
            "maxAbsoluteError": .number(maxAbsoluteError),
            "maxRelativeError": .number(maxRelativeError),
            "rootMeanSquareError": .number(rootMeanSquareError),
            "cosineSimilarity": .number(cosineSimilarity),
            "tolerance": .object([
                "absolute": .number(absoluteTolerance), "relative": .number(relativeTolerance),
            ]),
            "shape": .integers(shape),
            "failures": .integer(failures),
            "notNumbers": .integer(notNumbers),
            "worst": worst.map {
                .object([
                    "index": .integers($0.index), "computed": .number(Double($0.computed)),
                    "reference": .number(Double($0.reference)),
                ])
            },
            "message": message.map { .string($0) },
        ])
    }
}
