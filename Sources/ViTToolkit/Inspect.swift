import Checkpoints
import TensorCore
import WeightMapping

/// What is to be found out about a checkpoint beyond its directory.
public struct InspectionOptions: Sendable {
    /// Whether the SHA-256 of the file and of each tensor is computed: reads everything once.
    public var computesDigests = false
    /// Whether each tensor's bounds and moments are computed: reads everything once.
    public var computesStatistics = false
    /// Whether it is also computed how elements are spread between those bounds: reads everything once more.
    public var computesHistograms = false
    /// Which tensors are listed: those whose names match this shell pattern (`*.attn.*`); nil lists all.
    public var filter: String?
    /// What is said about the model, as for a conversion.
    public var model = ModelOptions()

    /// Reads the directory only.
    public init() {}

    /// A histogram needs the bounds.
    fileprivate var readsStatistics: Bool { computesStatistics || computesHistograms }
}

/// What is in a checkpoint.
public struct Inspection: Sendable {
    /// A tensor and what was computed of it.
    public struct Entry: Sendable {
        /// The tensor.
        public let tensor: NamedTensor
        /// The SHA-256 of its bytes, row-major and little-endian.
        public let sha256: String?
        /// Its bounds and moments.
        public let statistics: TensorStatistics?
        /// How its elements are spread.
        public let histogram: TensorHistogram?
    }

    /// Whether a file's digest begins with the digits at the end of its name (`…-e5005f0a.pth`).
    public enum NameCheck: Sendable, Equatable {
        /// It does.
        case matches(String)
        /// It does not: the file is not the one that was published under this name.
        case differs(String)
    }

    /// The checkpoint.
    public let checkpoint: Checkpoint
    /// The tensors that are listed, in the order of the file.
    public let entries: [Entry]
    /// The SHA-256 of the file.
    public let sha256: String?
    /// What the file's name says of the digest; nil when it says nothing.
    public let nameCheck: NameCheck?
    /// The naming scheme of the tensors, where it is told; the model may still lack something.
    public let scheme: String?
    /// The model, when the tensors make one.
    public let model: PreparedModel?
    /// Why they make none.
    public let modelProblem: String?
    /// What is wrong with the file, or should be known of it. What only values tell is among them when statistics, or
    /// digests, were asked for, and of the tensors that are listed.
    public let findings: [Finding]
}

/// Looks into a checkpoint without executing anything in it, and without reading weights unless asked to.
///
/// - Parameters:
///   - checkpoint: what is looked into.
///   - options: what is found out beyond the directory.
/// - Throws: `CheckpointError` when the file cannot be read. A checkpoint of something else than a model that is
///   known is no error.
public func inspect(_ checkpoint: Checkpoint, options: InspectionOptions = InspectionOptions()) throws
    -> Inspection
{
    // Digests take all of the file; statistics the tensors that are listed.
    if options.computesDigests || options.computesStatistics && options.filter == nil {
        try checkpoint.fetch()
    }
    let background = options.computesDigests ? BackgroundDigest(of: checkpoint.files) : nil
    let listed = checkpoint.tensors.filter { tensor in
        options.filter.map { fnmatch($0, tensor.name, 0) == 0 } ?? true
    }
    let isRead = options.computesDigests || options.readsStatistics
    let byteCount = listed.reduce(0) { $0 + $1.view.byteCount }
    let task = isRead ? Progress.begin("reading tensors", of: byteCount) : nil
    defer { task?.end() }
    let entries = try listed.map { tensor in
        do {
            defer { task?.advance(by: tensor.view.byteCount) }
            let statistics =
                options.readsStatistics && !tensor.view.dtype.isComplex
                ? try TensorStatistics(tensor.view) : nil
            return Inspection.Entry(
                tensor: tensor, sha256: options.computesDigests ? try Digest.sha256(tensor.view) : nil,
                statistics: statistics,
                histogram: options.computesHistograms
                    ? try statistics.map { try TensorHistogram(tensor.view, $0) } : nil)
        } catch {
            throw CheckpointError(error, path: checkpoint.path, part: tensor.name)
        }
    }
    let sha256: String?
    do {
        sha256 = try background?.value()
    } catch {
        throw CheckpointError(error, path: checkpoint.path)
    }
    let model = Result { try PreparedModel(checkpoint, options: options.model) }
    var problem: String?
    var scheme = try? model.get().scheme
    if case .failure(let error) = model {
        problem = "\(error)"
        scheme = try? PreparedModel.mapped(checkpoint, options.model).scheme.name
    }
    let nameCheck = sha256.flatMap { Inspection.nameCheck(path: checkpoint.path, sha256: $0) }
    let prepared = try? model.get()
    return Inspection(
        checkpoint: checkpoint, entries: entries, sha256: sha256, nameCheck: nameCheck, scheme: scheme,
        model: prepared, modelProblem: problem,
        findings: findings(
            checkpoint, prepared, entries, nameCheck: nameCheck, areValuesRead: options.readsStatistics))
}

private func findings(
    _ checkpoint: Checkpoint, _ model: PreparedModel?, _ entries: [Inspection.Entry],
    nameCheck: Inspection.NameCheck?, areValuesRead: Bool
) -> [Finding] {
    var findings = Finding.structural(checkpoint, model)
    if case .differs(let digits) = nameCheck { findings.append(.digestMismatch(digits)) }
    let head = model?.parameters.first { $0.name == "head.weight" }?.sources.first
    if areValuesRead {
        findings += Finding.ofValues(entries, head: head)
    } else if let zeros = Finding.sampledZeroHead(checkpoint, head: head) {
        findings.append(zeros)
    }
    return findings
}

extension Inspection {
    /// torch hub's convention: a dash, eight hexadecimal digits or more, and the extension.
    static func nameCheck(path: String, sha256: String) -> NameCheck? {
        let name = WebAddress.fileName(path)
        guard let dash = name.lastIndex(of: "-") else { return nil }
        let digits = name[name.index(after: dash)...].prefix { $0 != "." }
        guard digits.utf8.count >= 8,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        return sha256.hasPrefix(digits) ? .matches(String(digits)) : .differs(String(digits))
    }

    /// The shape of `inspect --json`.
    package var json: JSONValue {
        .object([
            "file": .string(checkpoint.path),
            "container": .string(checkpoint.container.rawValue),
            "byteCount": .integer(checkpoint.fileSize),
            "sha256": sha256.map { .string($0) },
            "nameDigest": nameCheck.map {
                switch $0 {
                case .matches(let digits): .object(["digits": .string(digits), "matches": .bool(true)])
                case .differs(let digits): .object(["digits": .string(digits), "matches": .bool(false)])
                }
            },
            "scheme": scheme.map { .string($0) },
            "model": model.map { .string($0.summary) },
            "configuration": model.map { $0.modelConfiguration.json },
            "remarks": .strings(model?.remarks ?? checkpoint.remarks),
            "metadata": checkpoint.metadata.isEmpty
                ? nil : .object(checkpoint.metadata.map { .init($0.key, .string($0.value)) }),
            "tensors": .array(
                entries.map { entry in
                    let view = entry.tensor.view
                    return .object([
                        "name": .string(entry.tensor.name),
                        "layer": checkpoint.layerNames[entry.tensor.name].map { .string($0) },
                        "dtype": .string(view.dtype.rawValue),
                        "shape": .integers(view.shape.dimensions), "byteCount": .integer(view.byteCount),
                        "sha256": entry.sha256.map { .string($0) }, "statistics": entry.statistics?.json,
                    ])
                }),
            "others": .array(
                checkpoint.others.map { other in
                    .object([
                        "name": .string(other.name), "type": .string(other.type),
                        "value": other.value.map { .string($0) },
                    ])
                }),
            "globals": .strings(checkpoint.globals),
            "findings": .array(findings.map(\.json)),
        ])
    }

    /// The shape of `inspect --json` for a file that cannot be read.
    package static func json(of error: CheckpointError, path: String) -> JSONValue {
        .object([
            "file": .string(path), "error": .string(error.description),
            "findings": .array([Finding.about(error).json]),
        ])
    }
}
