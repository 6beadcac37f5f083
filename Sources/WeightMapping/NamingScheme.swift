/// The names and layouts of one family of checkpoints, as a table.
///
/// A new scheme is one file in `Schemes/` and one entry in the list of its architecture.
package struct NamingScheme: Sendable, Hashable {
    /// The name by which the command knows it.
    package let name: String
    /// What it is, for people.
    package let title: String
    /// Names that are there in every checkpoint of the scheme, and together in no other's.
    package let fingerprint: [String]
    /// What becomes of each tensor.
    package var rules: [MappingRule] { lazyRules.rows }
    /// Rows for a head that stands beside the prefix of all other names (`backbone.…` and `head.…`). They are
    /// looked at only when the weights have no head of their own.
    package var outsideHead: [MappingRule] { lazyOutsideHead.rows }
    /// Names that have no place in the model and may be left out.
    package var ignored: [Exemption] { lazyIgnored.rows }
    /// Names that show that the model computes something that ours does not.
    package var unsupported: [Exemption] { lazyUnsupported.rows }
    /// What the scheme's models do where shapes do not tell.
    package let conventions: Conventions
    /// What stands in front of the names when they are written, with its separator; the outside head's stand
    /// without it.
    package let prefix: String
    /// The same for a model without a head, which some frameworks have as a class of its own.
    package let headlessPrefix: String
    /// What stands there instead of ``prefix`` in models with some feature: of several the first.
    package let prefixes: [FeaturePrefix]
    /// The file's own order where the framework loads by it; the model's when empty. Templates next to one
    /// another that share a placeholder are gone through for each of its numbers.
    package var order: [NameTemplate] { lazyOrder.rows }

    private let lazyRules: LazyRows<MappingRule>
    private let lazyOutsideHead: LazyRows<MappingRule>
    private let lazyIgnored: LazyRows<Exemption>
    private let lazyUnsupported: LazyRows<Exemption>
    private let lazyOrder: LazyRows<NameTemplate>

    /// Tables are made when they are first asked for.
    package init(
        name: String, title: String, fingerprint: [String],
        rules: @autoclosure @escaping @Sendable () -> [MappingRule],
        outsideHead: @autoclosure @escaping @Sendable () -> [MappingRule] = [],
        ignored: @autoclosure @escaping @Sendable () -> [Exemption] = [],
        unsupported: @autoclosure @escaping @Sendable () -> [Exemption] = [],
        conventions: Conventions = Conventions(), prefix: String = "", headlessPrefix: String? = nil,
        prefixes: [FeaturePrefix] = [],
        order: @autoclosure @escaping @Sendable () -> [NameTemplate] = []
    ) {
        self.name = name
        self.title = title
        self.fingerprint = fingerprint
        lazyRules = LazyRows(rules)
        lazyOutsideHead = LazyRows(outsideHead)
        lazyIgnored = LazyRows(ignored)
        lazyUnsupported = LazyRows(unsupported)
        self.conventions = conventions
        self.prefix = prefix
        self.headlessPrefix = headlessPrefix ?? prefix
        self.prefixes = prefixes
        lazyOrder = LazyRows(order)
    }

    /// All schemes that are known.
    package static let all = visionTransformer + transformer

    /// Those of Vision Transformers; the first has the canonical names.
    package static let visionTransformer: [NamingScheme] = [
        .timm,
        .huggingFace, .huggingFace5, .huggingFaceDINOv2, .huggingFaceDINOv2In5, .huggingFaceCLIP,
        .huggingFaceSigLIP, .torchvision, .torchvisionOld, .clipOpenAI, .openCLIP, .dinov2,
        .jax, .flaxLinen, .bigVision, .bigVisionScanned, .huggingFaceFlax,
        .vitKeras, .vitKeras2, .vitKeras3, .kerasHub,
    ]

    /// Those of encoder–decoder Transformers; the first has the canonical names.
    package static let transformer: [NamingScheme] = [.torchTransformer]

    /// The scheme of each architecture that has the canonical names.
    static let canonical = [visionTransformer, transformer].compactMap(\.first)

    /// The scheme with the given name.
    package static func named(_ name: String) -> NamingScheme? { all.first { $0.name == name } }
}

extension NamingScheme {
    /// Names outside the rules, and why.
    package struct Exemption: Sendable, Hashable {
        package let template: NameTemplate
        package let reason: String
        /// Another name that must be there too for this one to count.
        package let companion: NameTemplate?

        package init(_ template: NameTemplate, _ reason: String, beside companion: NameTemplate? = nil) {
            self.template = template
            self.reason = reason
            self.companion = companion
        }
    }

    /// What stands in front of all names of a model that has some feature.
    package struct FeaturePrefix: Sendable, Hashable {
        package let feature: MappingRule.Condition.Feature
        package let prefix: String

        package init(_ feature: MappingRule.Condition.Feature, _ prefix: String) {
            self.feature = feature
            self.prefix = prefix
        }
    }

    /// What a scheme's models do unless a checkpoint or the user says otherwise; nil where models differ.
    package struct Conventions: Sendable, Hashable {
        /// The forms of GELU, spelled as the command's `--gelu`.
        package enum GELU: String, Sendable, Hashable, CaseIterable {
            case exact, tanh, quick
        }

        package var layerNormEpsilon: Double?
        package var gelu: GELU?
        /// What the user should hear when nothing but this scheme tells the form of GELU; nil when it is certain.
        package var geluRemark: String?
        /// The ways from tokens to features that the framework's own model has, spelled as the configuration's
        /// `pool`; nil where it has all.
        package var poolings: [String]?
        /// The same for a model without a head; as with one when nil.
        package var headlessPoolings: [String]?
        /// Whether its models make their features of the patches also where there is a class token beside them.
        package var poolsBesideClassToken = true
        /// The forms of MLP that its models have, spelled as the configuration's `mlp`; nil where it has all.
        package var mlps: [String]?
        /// The tokens that the framework's own model gives positions to, spelled as the configuration's
        /// `positions`; nil where it can do all.
        package var positions: [String]?
        /// Mean and standard deviation per channel of the images, on the scale from 0 to 1.
        package var mean: [Double]?
        package var standardDeviation: [Double]?

        package init(
            layerNormEpsilon: Double? = nil, gelu: GELU? = nil, geluRemark: String? = nil,
            poolings: [String]? = nil, headlessPoolings: [String]? = nil,
            poolsBesideClassToken: Bool = true, mlps: [String]? = nil, positions: [String]? = nil,
            mean: [Double]? = nil, standardDeviation: [Double]? = nil
        ) {
            self.layerNormEpsilon = layerNormEpsilon
            self.gelu = gelu
            self.geluRemark = geluRemark
            self.poolings = poolings
            self.headlessPoolings = headlessPoolings ?? poolings
            self.poolsBesideClassToken = poolsBesideClassToken
            self.mlps = mlps
            self.positions = positions
            self.mean = mean
            self.standardDeviation = standardDeviation
        }
    }

    /// Why a tensor may be left out, or nil when it may not.
    func ignoreReason(for name: [UInt8]) -> String? {
        ignored.first { $0.template.match(name) != nil }?.reason
    }
}
