import Parity
import TensorCore

/// Something that may be otherwise than in the model as given.
struct Hypothesis: Sendable {
    let cause: Diagnosis.Cause
    /// In words, with both sides.
    let message: String
    /// What to add to the command.
    let flag: String?
    /// What to do where no flag does it.
    let advice: String?
    /// The parts of the network in which the difference can first be felt.
    let places: ClosedRange<NetworkPlace>
    /// Whether the difference may be too small to be seen where it arises.
    let isSubtle: Bool
    /// Whether it changes how results are compared, and not what is computed.
    let changesComparisonOnly: Bool
    /// Makes the model as it would be.
    let change: @Sendable (inout ModelVariant) throws -> Void

    init(
        _ cause: Diagnosis.Cause, _ message: String, flag: String? = nil, advice: String? = nil,
        at place: NetworkPlace.Part, until last: NetworkPlace.Part? = nil, isSubtle: Bool = false,
        changesComparisonOnly: Bool = false, change: @escaping @Sendable (inout ModelVariant) throws -> Void
    ) {
        self.cause = cause
        self.message = message
        self.flag = flag
        self.advice = advice
        places = NetworkPlace(place)...NetworkPlace(last ?? place)
        self.isSubtle = isSubtle
        self.changesComparisonOnly = changesComparisonOnly
        self.change = change
    }

    /// Whether it can explain that `first` diverges although `last` does not.
    func canExplain(first: NetworkPlace, after last: NetworkPlace?) -> Bool {
        guard places.lowerBound <= first else { return false }
        guard !isSubtle, let last else { return true }
        return places.upperBound > last
    }
}

/// What hypotheses depend on: the model as given and the reference.
struct DiagnosisSubject {
    let prepared: PreparedModel
    let variant: ModelVariant
    /// All of the reference, and its first image.
    let reference: ReferenceBundle
    let firstImage: ReferenceBundle

    var configuration: ViTConfiguration { variant.configuration }
}

/// One row for each thing that usually goes wrong: the hypotheses about it, the likelier ones first.
struct HypothesisFamily: Sendable {
    let hypotheses: @Sendable (DiagnosisSubject) throws -> [Hypothesis]

    /// Every family, the likelier ones first.
    static let all: [HypothesisFamily] = [
        output, halfReference, gelu, epsilon, preprocessing, heads, pooling, preLogits, head, positions,
        positionResampling, classToken, transposed, qkvOrder, halfParameters,
    ]
}
