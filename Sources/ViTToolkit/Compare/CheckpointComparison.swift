import Checkpoints
import TensorCore

/// How two checkpoints compare, parameter by parameter.
public struct CheckpointComparison: Sendable {
    /// One of the two.
    public struct Side: Sendable {
        /// The path of the checkpoint.
        public let path: String
        /// Its kind of container.
        public let container: Container
        /// The naming scheme; nil where tensors are compared by the names of the files.
        public let scheme: String?
        /// The model in words, where it can be told.
        public let model: String?
        /// The type of most parameters, where the scheme is known.
        public let dtype: DType?
    }

    /// A part of the model (`blocks.0`, `patch_embed`, `head`) and what was found in it.
    public struct Block: Sendable {
        /// The name that its tensors' names begin with.
        public let name: String
        /// Its tensors.
        public let tensors: [TensorDifference]

        /// Whether all of its tensors count as equal.
        public var isEqual: Bool { tensors.allSatisfy(\.isEqual) }
        /// The largest |a − b| in it; nil where nothing could be or had to be measured.
        public var maxAbsolute: Double? { tensors.compactMap { $0.measure?.maxAbsolute }.max() }
        /// The smallest cosine similarity of a tensor in it.
        public var minCosine: Double? { tensors.compactMap { $0.measure?.cosineSimilarity }.min() }
    }

    /// The first checkpoint.
    public let a: Side
    /// The second, against which relative differences are measured.
    public let b: Side
    /// What counted as equal.
    public let options: ComparisonOptions
    /// Every parameter that either has, in the model's order.
    public let tensors: [TensorDifference]
    /// What the models compute otherwise beside their parameters. It does not count: frameworks differ in it for
    /// the same weights.
    public let configuration: [ConfigurationDifference]
    /// What the user should hear about either checkpoint.
    public let remarks: [String]

    /// Whether all tensors count as equal, by the options.
    public var isEqual: Bool { tensors.allSatisfy(\.isEqual) }

    /// The parts of the model, in its order.
    public var blocks: [Block] {
        var members: [String: [TensorDifference]] = [:]
        var order: [String] = []
        for tensor in tensors {
            if members[tensor.block] == nil { order.append(tensor.block) }
            members[tensor.block, default: []].append(tensor)
        }
        return order.map { Block(name: $0, tensors: members[$0] ?? []) }
    }
}

/// A property of the configuration in which two models differ, with its values as in `inspect --json`.
public struct ConfigurationDifference: Sendable, Equatable {
    /// The key.
    public let key: String
    package let a: JSONValue?
    package let b: JSONValue?

    /// What differs; nothing where one of the two is not known.
    static func list(_ a: (any ModelConfiguration)?, _ b: (any ModelConfiguration)?)
        -> [ConfigurationDifference]
    {
        guard let a, let b else { return [] }
        let architectures = (type(of: a).architecture, type(of: b).architecture)
        guard architectures.0 == architectures.1 else {
            return [
                ConfigurationDifference(
                    key: "architecture", a: .string(architectures.0), b: .string(architectures.1))
            ]
        }
        let (left, right) = (a.json, b.json)
        var keys = (left.members ?? []).map(\.key)
        keys += (right.members ?? []).map(\.key).filter { left[$0] == nil }
        return keys.filter { left[$0] != right[$0] }.map {
            ConfigurationDifference(key: $0, a: left[$0], b: right[$0])
        }
    }
}

extension CheckpointComparison {
    /// The differences of the configurations in a sentence; nil where there are none.
    package var configurationRemark: String? {
        guard !configuration.isEmpty else { return nil }
        let list = configuration.map { difference in
            let values = [difference.a, difference.b].map { $0?.compact ?? "none" }
            // A thousand labels are not for reading.
            guard values.allSatisfy({ $0.utf8.count <= 60 }) else { return difference.key }
            return difference.key + " " + values.joined(separator: " against ")
        }
        return "the configurations differ, which does not count: " + list.joined(separator: ", ")
    }
}
