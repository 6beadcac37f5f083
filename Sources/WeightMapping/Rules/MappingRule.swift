/// One row of a naming scheme: which tensors of a file make up which parameters of the model.
///
/// A table serves both ways. The first row that names a target is the one by which a scheme is written; later
/// rows for the same target are other spellings that are read.
package struct MappingRule: Sendable, Hashable {
    /// The names in the file, in the order in which the operations take them.
    package let sources: [NameTemplate]
    /// The canonical names, in the order in which the operations leave them. A placeholder that no source has
    /// counts the tensors that the last operation left.
    package let targets: [NameTemplate]
    /// The steps from sources to targets.
    package let operations: [TensorOperation]
    /// The row holds only for sources with so many axes; nil for any.
    package let rank: Int?
    /// Lengths to assume where neither shapes nor the model tell them.
    package let assuming: [String: Int]
    /// What else must be there for the row to hold; nil for nothing.
    package let condition: Condition?

    package init(
        _ sources: [NameTemplate], to targets: [NameTemplate], _ operations: [TensorOperation] = [],
        rank: Int? = nil, assuming: [String: Int] = [:], where condition: Condition? = nil
    ) {
        self.sources = sources
        self.targets = targets
        self.operations = operations
        self.rank = rank
        self.assuming = assuming
        self.condition = condition
    }

    package init(
        _ source: NameTemplate, to target: NameTemplate, _ operations: TensorOperation..., rank: Int? = nil,
        assuming: [String: Int] = [:], where condition: Condition? = nil
    ) {
        self.init(
            [source], to: [target], operations, rank: rank, assuming: assuming, where: condition)
    }

    /// A parameter that has the same name and layout in the file.
    package static func same(_ name: NameTemplate) -> MappingRule { MappingRule(name, to: name) }

    /// The weight and the bias of a layer that torch's names are used for in the file, too.
    package static func layer(
        _ source: String, to target: String? = nil, where condition: Condition? = nil
    ) -> [MappingRule] {
        ["weight", "bias"].map { part in
            MappingRule(
                NameTemplate(stringLiteral: "\(source).\(part)"),
                to: NameTemplate(stringLiteral: "\(target ?? source).\(part)"), where: condition)
        }
    }

    /// The weights and the biases of several layers that are one in the model: queries, keys and values, say.
    package static func joined(
        _ sources: [String], to target: String, where condition: Condition? = nil
    ) -> [MappingRule] {
        ["weight", "bias"].map { part in
            MappingRule(
                sources.map { NameTemplate(stringLiteral: "\($0).\(part)") },
                to: [NameTemplate(stringLiteral: "\(target).\(part)")],
                [.concatenate(axis: 0, parts: sources.count)], where: condition)
        }
    }

    /// Queries, keys and values as torch's `MultiheadAttention` names them: `in_proj_weight`, `in_proj_bias`.
    package static func fused(_ attention: String, to target: String) -> [MappingRule] {
        ["weight", "bias"].map { part in
            MappingRule(
                NameTemplate(stringLiteral: "\(attention).in_proj_\(part)"),
                to: NameTemplate(stringLiteral: "\(target).\(part)"))
        }
    }
}

extension MappingRule {
    /// Something else that must be there, or must not, for a row to hold: in the file on the way in, in the
    /// model on the way back.
    package struct Condition: Sendable, Hashable {
        /// What a model has that the spelling of other names depends on.
        package enum Feature: Sendable, Hashable {
            /// A parameter of this name.
            case parameter(NameTemplate)
            /// A gated MLP whose first map holds both halves.
            case packedSwiGLU
        }

        /// A name of the file.
        package let source: NameTemplate
        /// The sign of the same thing in the model.
        package let feature: Feature
        /// Whether they must be there, or must not.
        package let isPresent: Bool

        package init(_ source: NameTemplate, _ feature: Feature, isPresent: Bool) {
            self.source = source
            self.feature = feature
            self.isPresent = isPresent
        }

        /// The row holds where the file has `source`, and on the way back where the model has `feature`.
        package static func with(_ source: NameTemplate, _ feature: Feature) -> Condition {
            Condition(source, feature, isPresent: true)
        }

        /// The row holds where the file lacks `source`, and on the way back where the model lacks `feature`.
        package static func without(_ source: NameTemplate, _ feature: Feature) -> Condition {
            Condition(source, feature, isPresent: false)
        }

        /// Whether the row holds for a file with these folded names.
        func holds(forFile names: some Sequence<[UInt8]>) -> Bool {
            names.contains { source.match($0) != nil } == isPresent
        }
    }
}
