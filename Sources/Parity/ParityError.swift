import TensorCore

/// Why a reference is of no use.
public enum ParityError: Error, Sendable, Equatable {
    /// A tensor that a reference needs is not there.
    case missing(String, expected: [String], found: [String])
    /// A tensor has a shape that it cannot have.
    case shape(String, expected: String, found: [Int])
    /// A tensor has elements that are no real numbers.
    case type(String, found: DType)
    /// A mask has elements that are neither booleans nor real numbers.
    case mask(String, found: DType)
    /// The reference's images have another size than the model's.
    case imageSize(expected: [Int], found: [Int])
}

extension ParityError: CustomStringConvertible {
    /// The error in words, without the file's name.
    public var description: String {
        switch self {
        case .missing(let name, let expected, let found):
            "the reference has no '\(name)': expected "
                + expected.dropLast().map { "'\($0)'" }.joined(separator: ", ")
                + " and '\(expected.last ?? "")', found "
                + (found.isEmpty ? "nothing" : found.prefix(8).joined(separator: ", "))
                + (found.count > 8 ? " and \(found.count - 8) more" : "")
        case .shape(let name, let expected, let found):
            "the reference's '\(name)' has the shape \(found), expected \(expected)"
        case .type(let name, let found):
            "the reference's '\(name)' holds \(found.rawValue), expected real numbers"
        case .mask(let name, let found):
            "the reference's '\(name)' holds \(found.rawValue), expected booleans, of which true hides, or numbers "
                + "to add to the scores"
        case .imageSize(let expected, let found):
            "the reference's images are \(found.map(String.init).joined(separator: "×")), the model takes "
                + expected.map(String.init).joined(separator: "×")
        }
    }
}
