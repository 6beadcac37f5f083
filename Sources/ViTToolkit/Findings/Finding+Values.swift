import Checkpoints
import TensorCore

/// What the values of tensors tell.
extension Finding {
    /// From each tensor's statistics, which took reading all of it.
    static func ofValues(_ entries: [Inspection.Entry], head: String?) -> [Finding] {
        let numbers = entries.compactMap { entry in
            entry.statistics.map {
                (tensor: entry.tensor, count: entry.tensor.view.shape.elementCount, statistics: $0)
            }
        }.filter { $0.tensor.view.dtype.isFloatingPoint && $0.count > 0 }
        let notNumbers = numbers.filter { $0.statistics.notANumberCount > 0 }
        let infinite = numbers.filter { $0.statistics.infiniteCount > 0 }
        let halves = numbers.filter {
            $0.tensor.view.dtype == .f16
                && max($0.statistics.maximum, -$0.statistics.minimum) >= Self.nearHalfLimit
        }
        let isZeroHead = numbers.contains {
            $0.tensor.name == head && $0.statistics.zeroCount == $0.count
        }
        let constants = numbers.filter {
            $0.count > 1 && $0.statistics.minimum == $0.statistics.maximum
                && $0.statistics.notANumberCount + $0.statistics.infiniteCount == 0
                && !(isZeroHead && $0.tensor.name == head)
        }
        var findings: [Finding] = []
        if isZeroHead, let head { findings.append(zeroHead(head, isSampled: false)) }
        if let first = notNumbers.first {
            findings.append(
                Finding(
                    .notANumber,
                    "\(first.statistics.notANumberCount) of the \(first.count) elements of \(first.tensor.name) "
                        + "are no numbers (NaN)" + more(notNumbers.count, "tensor"),
                    advice: "Take an earlier checkpoint: a model with NaN gives NaN",
                    tensors: notNumbers.map(\.tensor.name)))
        }
        if let first = infinite.first {
            findings.append(
                Finding(
                    .infinity,
                    "\(first.statistics.infiniteCount) of the \(first.count) elements of \(first.tensor.name) are "
                        + "infinite" + more(infinite.count, "tensor"),
                    advice:
                        "Take an earlier checkpoint, or one in F32 where they overflowed in half precision",
                    tensors: infinite.map(\.tensor.name)))
        }
        if let first = halves.first {
            let size = max(first.statistics.maximum, -first.statistics.minimum)
            findings.append(
                Finding(
                    .nearOverflow,
                    "\(first.tensor.name) has values up to \(size), where F16 ends at 65504"
                        + more(halves.count, "tensor"),
                    advice: "Convert with --dtype bf16 or f32, and do not compute in F16",
                    tensors: halves.map(\.tensor.name)))
        }
        if let first = constants.first {
            let value = first.statistics.minimum
            findings.append(
                Finding(
                    .constant,
                    "every element of \(first.tensor.name) is \(value)" + more(constants.count, "tensor"),
                    advice:
                        "Check where the file comes from: training leaves no tensor so, initialisation does",
                    tensors: constants.map(\.tensor.name)))
        }
        return findings
    }

    /// Half of what F16 can hold: one doubling from infinity.
    private static let nearHalfLimit = 32_752.0

    private static func more(_ count: Int, _ what: String) -> String {
        count > 1 ? "; the same holds for \(count - 1) more \(what)\(count > 2 ? "s" : "")" : ""
    }

    // MARK: The head

    static func zeroHead(_ name: String, isSampled: Bool) -> Finding {
        Finding(
            .zeroHead,
            isSampled
                ? "the head, \(name), seems to be all zeros: 64 places of it are (--statistics reads the rest)"
                : "the head, \(name), is all zeros",
            advice: "Train a head, or drop it with --drop-head; the features are of use without it",
            tensors: [name])
    }

    /// Looks at 64 places of the head, which cost no time: one that was trained shows at the first.
    static func sampledZeroHead(_ checkpoint: Checkpoint, head: String?) -> Finding? {
        guard !checkpoint.isPartial, let head, let view = checkpoint.tensor(head), view.dtype.isFloatingPoint,
            case .bytes(let region, _) = view.storage, let extent = view.extent
        else { return nil }
        let start = extent.lowerBound * view.dtype.itemSize
        let count = extent.count * view.dtype.itemSize
        let piece = min(count, 1024)
        for place in 0..<64 {
            let offset = start + (count - piece) / 63 * place
            guard let bytes = try? region.slice(offset, piece).array() else { return nil }
            // Minus zero is zero too, but no file has a head of it.
            guard bytes.allSatisfy({ $0 == 0 }) else { return nil }
        }
        return zeroHead(head, isSampled: count > 64 * piece)
    }
}
