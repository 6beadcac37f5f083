import TensorCore

extension Finding {
    /// One entry of `findings` in `inspect --json`; `tensor` is the first one where there are several.
    package var json: JSONValue {
        .object([
            "kind": .string(kind.rawValue),
            "message": .string(message),
            "advice": .string(advice),
            "tensor": tensors.first.map { .string($0) },
            "tensors": tensors.count > 1 ? .strings(tensors) : nil,
            "missingBytes": missingBytes.map {
                .object(["from": .integer($0.lowerBound), "count": .integer($0.count)])
            },
        ])
    }
}

extension Finding: CustomStringConvertible {
    /// The finding and what to do, as two sentences.
    public var description: String { "\(message). \(advice)." }
}
