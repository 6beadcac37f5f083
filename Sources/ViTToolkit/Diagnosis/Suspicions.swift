import Parity
import TensorCore
import ViT

/// What looks wrong where no hypothesis explains a difference.
enum Suspicions {
    static func of(
        _ subject: DiagnosisSubject, _ verification: Verification, after report: ParityReport
    ) throws -> [String] {
        var list = first(report)
        list += images(subject.reference.input)
        if let computed = verification.computed.last?.tensor {
            list += logits(computed, subject.reference.logits)
        }
        return list + (try parameters(subject.prepared))
    }

    private static func first(_ report: ParityReport) -> [String] {
        guard let activation = report.activations.first(where: { !$0.passed }) else { return [] }
        let reason =
            activation.message
            ?? "largest error \(Digits.text(activation.maxAbsoluteError)), cosine "
            + Digits.text(activation.cosineSimilarity, places: 6)
        let before = report.activations.prefix { $0.passed }.last?.name
        return [
            "the first activation that diverges is \(activation.name) (\(reason))"
                + (before.map { "; \($0), before it, agrees" } ?? "")
        ]
    }

    private static func images(_ input: FloatTensor) -> [String] {
        let (mean, deviation) = moments(input.values)
        let notNumbers = input.values.count { !$0.isFinite }
        if notNumbers > 0 { return ["\(notNumbers) of the input's pixels are no finite numbers"] }
        if deviation == 0 { return ["all of the input's pixels are \(mean)"] }
        guard abs(mean) > 2 || deviation > 3 || deviation < 0.1 else { return [] }
        return [
            "the input's pixels have mean \(Digits.text(mean, places: 2)) and deviation "
                + "\(Digits.text(deviation, places: 2)), where a normalised image has about 0 and 1"
        ]
    }

    private static func logits(_ computed: FloatTensor, _ reference: FloatTensor) -> [String] {
        let notNumbers = reference.values.count { !$0.isFinite }
        if notNumbers > 0 { return ["\(notNumbers) of the reference's logits are no finite numbers"] }
        guard computed.shape == reference.shape else {
            return ["the reference has logits \(reference.shape), the model gives \(computed.shape)"]
        }
        let (ours, theirs) = (moments(computed.values), moments(reference.values))
        var list: [String] = []
        if theirs.deviation == 0 { list.append("all of the reference's logits are \(theirs.mean)") }
        let ratio = ours.deviation / theirs.deviation
        if ratio.isFinite, ratio > 1.2 || ratio < 1 / 1.2 {
            list.append(
                "the logits have deviation \(Digits.text(ours.deviation)), the reference's "
                    + Digits.text(theirs.deviation))
        }
        if let order = order(computed, reference) {
            list.append("the reference's images stand in another order than its logits: \(order)")
        }
        return list
    }

    /// Which rows of the computed logits are those of the reference, when all are found, but in other places.
    private static func order(_ computed: FloatTensor, _ reference: FloatTensor) -> String? {
        let (count, classes) = (reference.shape[0], reference.shape[1])
        guard (2...64).contains(count), classes > 1 else { return nil }
        func distance(_ a: Int, _ b: Int) -> Float {
            (0..<classes).reduce(0) {
                max($0, abs(computed.values[a * classes + $1] - reference.values[b * classes + $1]))
            }
        }
        let size = reference.values.reduce(0) { max($0, abs($1)) }
        let places = (0..<count).compactMap { row in
            (0..<count).first { distance($0, row) <= 1e-4 * size }
        }
        guard places.count == count, places != Array(0..<count), Set(places).count == count else {
            return nil
        }
        return places.map(String.init).joined(separator: ", ")
    }

    private static func parameters(_ prepared: PreparedModel) throws -> [String] {
        var list: [String] = []
        for tensor in prepared.parameters where tensor.view.dtype.isFloatingPoint {
            let statistics = try TensorStatistics(tensor.view)
            let bad = statistics.notANumberCount + statistics.infiniteCount
            if bad > 0 { list.append("\(tensor.name) holds \(bad) elements that are no finite numbers") }
            if tensor.name == "head.weight", statistics.minimum == 0, statistics.maximum == 0 {
                list.append("the head's weight is all zeros")
            }
        }
        return Array(list.prefix(8))
    }

    private static func moments(_ values: [Float]) -> (mean: Double, deviation: Double) {
        let count = Double(max(1, values.count))
        let mean = values.reduce(0) { $0 + Double($1) } / count
        let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        return (mean, (squares / count).squareRoot())
    }
}
