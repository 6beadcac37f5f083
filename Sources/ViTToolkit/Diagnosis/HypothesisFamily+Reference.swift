import Parity
import TensorCore
import ViT

/// What may be otherwise about a reference.
extension HypothesisFamily {
    /// Images as bytes, from 0 to 1, or with another mean and deviation; channels in reverse order.
    static let preprocessing = HypothesisFamily { subject in
        typealias Step = ReferenceForm.ImageStep
        let images = subject.firstImage.input
        let hasColours = subject.configuration.channels == 3
        let norms: [Step] = hasColours ? [.imagenet, .inception, .clip] : [.inception]
        let undone: [(Step, Step)] = [
            (.undoInception, .inception), (.undoImagenet, .imagenet), (.undoCLIP, .clip),
        ].filter { norms.contains($0.1) }
        var list: [[Step]]
        let (least, most) = images.values.reduce((Float.infinity, -Float.infinity)) {
            (min($0.0, $1), max($0.1, $1))
        }
        if least >= 0, most > 2 {
            list = norms.map { [.scale, $0] } + [[.scale]] + norms.map { [$0] }
        } else if least >= 0, most <= 1 {
            list = norms.map { [$0] } + [[.unscale]]
        } else {
            list = undone.map { [$0.0] }
            for (undo, norm) in undone { list += norms.filter { $0 != norm }.map { [undo, $0] } }
            list += undone.map { [$0.0, .unscale] }
        }
        if hasColours { list = [[.bgr]] + list + list.prefix(norms.count).map { [.bgr] + $0 } }
        return list.map { steps in
            Hypothesis(
                .preprocessing, "the images \(steps.words)",
                flag: "--preprocess \(steps.map(\.rawValue).joined(separator: ","))", at: .patches
            ) { $0.form.steps += steps }
        }
    }

    static let output = HypothesisFamily { subject in
        let logits = subject.reference.logits
        guard subject.variant.form.output == nil else { return [] }
        let classes = logits.shape[1]
        let sums = stride(from: 0, to: logits.values.count, by: classes).map { start in
            logits.values[start..<start + classes].reduce((plain: 0.0, exponential: 0.0)) {
                ($0.plain + Double($1), $0.exponential + exp(Double($1)))
            }
        }
        let areShares = logits.values.allSatisfy { (0...1).contains($0) }
        let areProbabilities = areShares && sums.allSatisfy { abs($0.plain - 1) < 1e-2 }
        let areLogarithms =
            logits.values.allSatisfy { $0 <= 0 } && sums.allSatisfy { abs($0.exponential - 1) < 1e-2 }
        var found: [(Diagnosis.Cause, ReferenceForm.OutputActivation)] = []
        if areProbabilities { found.append((.softmax, .softmax)) }
        if areLogarithms { found.append((.logSoftmax, .logSoftmax)) }
        if areShares { found.append((.sigmoid, .sigmoid)) }
        return found.map { cause, activation in
            Hypothesis(
                cause, "the reference's logits have been through \(activation.rawValue)",
                flag: "--apply \(activation.rawValue)", at: .logits, changesComparisonOnly: true
            ) { $0.form.output = activation }
        }
    }

    /// Logits that a half type holds exactly: nothing else than a half type makes all of them so.
    static let halfReference = HypothesisFamily { subject in
        let values = subject.reference.logits.values
        let stored = subject.prepared.storedDType
        guard stored == .f32, values.count >= 4, values.contains(where: { $0 != 0 }) else { return [] }
        let isF16 = values.allSatisfy { !$0.isFinite || $0.isHalf }
        let isBF16 = values.allSatisfy { $0.bitPattern & 0xFFFF == 0 }
        return [(DType.f16, isF16 && !isBF16), (.bf16, isBF16)].filter(\.1).map { dtype, _ in
            let name = dtype.rawValue
            return Hypothesis(
                .halfPrecision, "the reference was computed in \(name), and lies within what that allows",
                flag: "--reference-dtype \(name.lowercased())", at: .patches, isSubtle: true,
                changesComparisonOnly: true
            ) { $0.tolerance = Tolerance(dtype: dtype) }
        }
    }
}

extension [ReferenceForm.ImageStep] {
    /// What is done to the images for the model, and so was not done for the reference.
    fileprivate var words: String {
        let parts = map { step in
            switch step {
            case .scale: "divided by 255"
            case .unscale: "multiplied by 255"
            case .bgr: "with their channels in reverse order"
            case .imagenet: "normalised by ImageNet's mean and deviation"
            case .inception: "normalised by mean 0.5 and deviation 0.5"
            case .clip: "normalised by CLIP's mean and deviation"
            case .undoImagenet: "freed of ImageNet's mean and deviation"
            case .undoInception: "freed of mean 0.5 and deviation 0.5"
            case .undoCLIP: "freed of CLIP's mean and deviation"
            }
        }
        return parts.joined(separator: " and ") + ", instead of as they stand in the reference"
    }
}

extension Float {
    /// Whether IEEE's half type holds it exactly: 11 significant bits, from 2⁻¹⁴ on, and multiples of 2⁻²⁴ below.
    fileprivate var isHalf: Bool {
        guard magnitude >= 0x1p-14 else { return self * 0x1p24 == (self * 0x1p24).rounded() }
        return magnitude <= 65504 && bitPattern & 0x1FFF == 0
    }
}
