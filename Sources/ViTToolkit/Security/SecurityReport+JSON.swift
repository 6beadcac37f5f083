import Checkpoints
import TensorCore

extension SecurityReport {
    /// The shape of `security` in `inspect --security --json`.
    package var json: JSONValue {
        .object([
            "verdict": verdict.map { .string($0.rawValue) } ?? .null,
            "complete": .bool(problem == nil),
            "problem": problem.map { .string($0) },
            "opcodes": .integer(opcodes),
            "globals": .array(
                globals.map {
                    .object([
                        "module": .string($0.module), "name": .string($0.name),
                        "verdict": .string($0.verdict.rawValue), "count": .integer($0.count),
                        "reason": .string($0.reason),
                    ])
                }),
            "calls": .array(
                calls.map {
                    .object([
                        "call": .string($0.text), "verdict": .string($0.verdict.rawValue),
                        "opcode": .string($0.opcode), "pickle": .string($0.pickle),
                        "offset": .integer($0.offset),
                    ])
                }),
            "callsLeftOut": .integer(callsLeftOut),
            "pickles": .array(
                pickles.map {
                    .object([
                        "name": .string($0.name), "offset": .integer($0.offset),
                        "opcodes": .integer($0.opcodes),
                        "stop": $0.stop.map { .string($0) },
                    ])
                }),
            "picklesLeftOut": .integer(picklesLeftOut),
            "findings": .array(
                findings.map {
                    .object([
                        "kind": .string($0.kind.rawValue), "verdict": .string($0.verdict.rawValue),
                        "text": .string($0.text),
                    ])
                }),
        ])
    }
}
