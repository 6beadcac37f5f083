import TensorCore

/// How much of a file that ends too early is missing, as far as its container tells.
public struct Truncation: Sendable, Equatable {
    /// How many bytes there are.
    public let foundByteCount: Int
    /// How many bytes there should be.
    public let expectedByteCount: Int
    /// Whether there should be as many at the least: what the container does not tell comes on top.
    public let isLeast: Bool
    /// The first tensor, in the order of the file, that is not there whole; nil when the cut lies elsewhere, or where
    /// no names are known.
    public let firstDamagedTensor: String?
    /// What is cut where it is no tensor: a header, a directory.
    public let cutPart: String?

    init(
        found: Int, expected: Int, isLeast: Bool = false, firstDamagedTensor: String? = nil,
        cutPart: String? = nil
    ) {
        foundByteCount = found
        expectedByteCount = max(expected, found)
        self.isLeast = isLeast
        self.firstDamagedTensor = firstDamagedTensor
        self.cutPart = cutPart
    }

    /// The bytes that are missing.
    public var missing: Range<Int> { foundByteCount..<expectedByteCount }
}

extension Truncation: CustomStringConvertible {
    /// How much is missing, from where on, and what it damages.
    public var description: String {
        let total = Self.grouped(expectedByteCount)
        var text: String
        if missing.isEmpty {
            text = "the end of the file is missing, behind byte \(Self.grouped(foundByteCount))"
        } else if isLeast {
            text = "at least \(Self.grouped(missing.count)) bytes of at least \(total) are missing"
        } else {
            text = "\(Self.grouped(missing.count)) of \(total) bytes are missing"
        }
        if !missing.isEmpty { text += ", from byte \(Self.grouped(foundByteCount)) on" }
        if let firstDamagedTensor {
            text += "; the first damaged tensor is \(firstDamagedTensor)"
        } else if let cutPart {
            text += "; the cut lies in \(cutPart)"
        }
        return text
    }

    /// `412,746,060`
    private static func grouped(_ count: Int) -> String {
        let digits = String(count)
        return digits.enumerated().reduce(into: "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset).isMultiple(of: 3) { text += "," }
            text.append(digit.element)
        }
    }
}
