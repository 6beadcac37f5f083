import TensorCore

extension Diagnosis.Finding {
    /// One entry of `diagnosis` in `verify --json`.
    var json: JSONValue {
        .object([
            "cause": .string(cause.rawValue),
            "message": .string(message),
            "errorBefore": .number(errorBefore),
            "errorAfter": .number(errorAfter),
            "flag": flag.map { .string($0) } ?? .null,
            "advice": advice.map { .string($0) },
            "firstDivergence": .string(firstDivergence),
        ])
    }
}

extension Diagnosis {
    /// What `verify --json` carries beside the report.
    package var members: [(key: String, value: JSONValue)] {
        var members: [(key: String, value: JSONValue)] = [
            ("diagnosis", .array(findings.map(\.json))), ("diagnosisComplete", .bool(isComplete)),
        ]
        if !suspicions.isEmpty { members.append(("suspicions", .strings(suspicions))) }
        return members
    }
}
