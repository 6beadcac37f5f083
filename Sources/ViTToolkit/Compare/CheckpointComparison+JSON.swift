import TensorCore

/// `compare --json`, whose shape is part of the command's interface.
///
/// ```
/// {
///   "a", "b": {"file", "container", "scheme"?, "model"?, "dtype"?},
///   "equal": whether all tensors count as equal (exit code 0),
///   "allowCast", "tolerance": {"absolute", "relative"},
///   "identical", "equalAfterCast", "withinTolerance", "resized", "changed", "missing": how many tensors,
///   "tensors": [{
///     "name", "block", "status", "equal",
///     "a"?, "b"?: {"dtype", "shape", "sources"}, of which a missing tensor has one,
///     "differing"?: how many elements, but for resized and missing tensors,
///     "maxAbsoluteDifference"?, "maxRelativeDifference"?, "meanAbsoluteDifference"?,
///     "relativeChange"? (‖a − b‖ / ‖b‖), "cosineSimilarity"?,
///     "nanMismatches"?, "infiniteMismatches"?: for real tensors that are not identical
///   }],
///   "blocks": [{"name", "tensors": how many, "equal", "identical", … "missing",
///     "maxAbsoluteDifference"?, "minCosineSimilarity"?}],
///   "configuration": [{"key", "a"?, "b"?}],
///   "remarks": []
/// }
/// ```
extension CheckpointComparison {
    package var json: JSONValue {
        .object(
            [
                .init("a", a.json), .init("b", b.json),
                .init("equal", .bool(isEqual)),
                .init("allowCast", .bool(options.allowsCast)),
                .init(
                    "tolerance",
                    .object(["absolute": .number(options.absolute), "relative": .number(options.relative)])),
            ] + Self.counts(of: tensors) + [
                .init("tensors", .array(tensors.map(\.json))),
                .init("blocks", .array(blocks.map(\.json))),
                .init(
                    "configuration",
                    .array(configuration.map { .object(["key": .string($0.key), "a": $0.a, "b": $0.b]) })),
                .init("remarks", .strings(remarks)),
            ])
    }

    fileprivate static func counts(of tensors: [TensorDifference]) -> [JSONValue.Member] {
        TensorDifference.Status.allCases.map { status in
            .init(status.rawValue, .integer(tensors.count { $0.status == status }))
        }
    }
}

extension CheckpointComparison.Side {
    fileprivate var json: JSONValue {
        .object([
            "file": .string(path), "container": .string(container.rawValue),
            "scheme": scheme.map { .string($0) }, "model": model.map { .string($0) },
            "dtype": dtype.map { .string($0.rawValue) },
        ])
    }
}

extension CheckpointComparison.Block {
    fileprivate var json: JSONValue {
        let head: [JSONValue.Member] = [
            .init("name", .string(name)), .init("tensors", .integer(tensors.count)),
            .init("equal", .bool(isEqual)),
        ]
        let figures: [JSONValue.Member?] = [
            maxAbsolute.map { .init("maxAbsoluteDifference", .number($0)) },
            minCosine.map { .init("minCosineSimilarity", .number($0)) },
        ]
        return .object(head + CheckpointComparison.counts(of: tensors) + figures.compactMap { $0 })
    }
}

extension TensorDifference {
    fileprivate var json: JSONValue {
        .object([
            "name": .string(name), "block": .string(block), "status": .string(status.rawValue),
            "equal": .bool(isEqual), "a": a?.json, "b": b?.json,
            "differing": differingCount.map { .integer($0) },
            "maxAbsoluteDifference": measure.map { .number($0.maxAbsolute) },
            "maxRelativeDifference": measure.map { .number($0.maxRelative) },
            "meanAbsoluteDifference": measure.map { .number($0.meanAbsolute) },
            "relativeChange": measure.map { .number($0.relativeChange) },
            "cosineSimilarity": measure.map { .number($0.cosineSimilarity) },
            "nanMismatches": measure.map { .integer($0.nanMismatches) },
            "infiniteMismatches": measure.map { .integer($0.infiniteMismatches) },
        ])
    }
}

extension TensorDifference.Side {
    fileprivate var json: JSONValue {
        .object([
            "dtype": .string(dtype.rawValue), "shape": .integers(shape), "sources": .strings(sources),
        ])
    }
}
