import TensorCore
import Testing
import ViTToolkit

/// Names and layouts that no scheme knows, to put on checkpoints that timm wrote.
struct Disguise: Sendable, CustomTestStringConvertible {
    let scheme: NamingScheme

    var testDescription: String { scheme.name }

    private init(_ name: String, _ rows: [[MappingRule]]) {
        scheme = NamingScheme(name: name, title: name, fingerprint: [], rules: rows.flatMap { $0 })
    }

    static let all = [plain, heads, separate, counted]

    private static func layer(
        _ source: String, to target: String, _ parts: (String, String), _ steps: [TensorOperation] = []
    ) throws -> [MappingRule] {
        try zip([parts.0, parts.1], ["weight", "bias"]).map { part, kind in
            MappingRule(
                [try NameTemplate(parsing: source + part)],
                to: [try NameTemplate(parsing: "\(target).\(kind)")],
                kind == "weight" ? steps : [])
        }
    }

    private static func layers(
        _ parts: (String, String), _ steps: [TensorOperation], _ names: KeyValuePairs<String, String>
    ) -> [MappingRule] {
        names.flatMap { source, target in (try? layer(source, to: target, parts, steps)) ?? [] }
    }

    private static func joined(
        _ names: [String], _ parts: (String, String), _ steps: [TensorOperation],
        biasSteps: [TensorOperation] = []
    ) -> [MappingRule] {
        let sources = [parts.0, parts.1].map { part in
            names.compactMap { try? NameTemplate(parsing: $0 + part) }
        }
        let join = TensorOperation.concatenate(axis: 0, parts: 3)
        return [
            MappingRule(sources[0], to: ["blocks.{i}.attn.qkv.weight"], steps + [join]),
            MappingRule(sources[1], to: ["blocks.{i}.attn.qkv.bias"], biasSteps + [join]),
        ]
    }

    /// torch's layouts under words that say nothing.
    private static let plain = Disguise(
        "plain",
        [
            [
                MappingRule("net/c", to: "cls_token"), MappingRule("net/d", to: "dist_token"),
                MappingRule("net/r", to: "reg_token"), MappingRule("net/p", to: "pos_embed"),
                MappingRule("net/stage_{i}/f1", to: "blocks.{i}.ls1.gamma"),
                MappingRule("net/stage_{i}/f2", to: "blocks.{i}.ls2.gamma"),
            ],
            layers(
                ("/w", "/b"), [],
                [
                    "net/stem": "patch_embed.proj", "net/start": "norm_pre",
                    "net/stage_{i}/n1": "blocks.{i}.norm1", "net/stage_{i}/n2": "blocks.{i}.norm2",
                    "net/stage_{i}/mix": "blocks.{i}.attn.qkv", "net/stage_{i}/merge": "blocks.{i}.attn.proj",
                    "net/stage_{i}/m1": "blocks.{i}.mlp.fc1", "net/stage_{i}/m2": "blocks.{i}.mlp.fc2",
                    "net/end": "norm", "net/last": "pre_logits.fc", "net/top": "head",
                    "net/top2": "head_dist",
                ]),
        ])

    /// Heads on an axis of their own, matrices as `[in, out]`, channels last: as JAX has them.
    private static let heads = Disguise(
        "heads",
        [
            [
                MappingRule("w/cls", to: "cls_token"), MappingRule("w/pos", to: "pos_embed"),
                MappingRule("w/dist", to: "dist_token"), MappingRule("w/registers", to: "reg_token"),
                MappingRule("w/layer{i}/ls_1", to: "blocks.{i}.ls1.gamma"),
                MappingRule("w/layer{i}/ls_2", to: "blocks.{i}.ls2.gamma"),
            ],
            layers(("/kernel", "/bias"), [.transpose([3, 2, 0, 1])], ["w/patches": "patch_embed.proj"]),
            joined(
                ["w/layer{i}/mixer/key_of", "w/layer{i}/mixer/lookup_query", "w/layer{i}/mixer/value"].sorted
                { a, _ in
                    a.contains("query")
                }, ("/kernel", "/bias"), [.reshape("D H d -> D (H d)"), .transpose([1, 0])],
                biasSteps: [.reshape("H d -> (H d)")]),
            layers(
                ("/kernel", "/bias"), [.reshape("H d D -> (H d) D"), .transpose([1, 0])],
                ["w/layer{i}/mixer/merge": "blocks.{i}.attn.proj"]),
            layers(
                ("/kernel", "/bias"), [.transpose([1, 0])],
                [
                    "w/layer{i}/wide": "blocks.{i}.mlp.fc1", "w/layer{i}/narrow": "blocks.{i}.mlp.fc2",
                    "w/pre": "pre_logits.fc", "w/head": "head", "w/head_dist": "head_dist",
                ]),
            layers(
                ("/scale", "/bias"), [],
                [
                    "w/layer{i}/Norm_0": "blocks.{i}.norm1", "w/layer{i}/Norm_2": "blocks.{i}.norm2",
                    "w/final": "norm", "w/pre_blocks": "norm_pre",
                ]),
        ])

    /// Queries, keys and values apart, in torch's layouts.
    private static let separate = Disguise(
        "separate",
        [
            [
                MappingRule("m.e.class_tok", to: "cls_token"),
                MappingRule("m.e.distillation_tok", to: "dist_token"),
                MappingRule("m.e.where", to: "pos_embed"), MappingRule("m.e.reg", to: "reg_token"),
                MappingRule("m.h.{i}.one.factor", to: "blocks.{i}.ls1.gamma"),
                MappingRule("m.h.{i}.two.factor", to: "blocks.{i}.ls2.gamma"),
            ],
            joined(
                ["m.h.{i}.one.parts.query", "m.h.{i}.one.parts.key", "m.h.{i}.one.parts.value"],
                (".weight", ".bias"), []),
            layers(
                (".weight", ".bias"), [],
                [
                    "m.e.conv": "patch_embed.proj", "m.norm_pre": "norm_pre",
                    "m.h.{i}.one.result": "blocks.{i}.attn.proj",
                    "m.h.{i}.norm_before": "blocks.{i}.norm1", "m.h.{i}.norm_after": "blocks.{i}.norm2",
                    "m.h.{i}.two.up": "blocks.{i}.mlp.fc1", "m.h.{i}.two.down": "blocks.{i}.mlp.fc2",
                    "m.z": "norm", "pooler": "pre_logits.fc", "classifier": "head",
                    "classifier_distillation": "head_dist",
                ]),
        ])

    /// Blocks and parts counted as Keras counts, matrices as `[in, out]`.
    private static let counted = Disguise(
        "counted",
        [
            [
                MappingRule("layers/token/vars/0", to: "cls_token"),
                MappingRule("layers/pos/vars/0", to: "pos_embed"),
                MappingRule("layers/dist/vars/0", to: "dist_token"),
                MappingRule("layers/reg/vars/0", to: "reg_token"),
                MappingRule("layers/stage{_i}/scale1/vars/0", to: "blocks.{i}.ls1.gamma"),
                MappingRule("layers/stage{_i}/scale2/vars/0", to: "blocks.{i}.ls2.gamma"),
            ],
            layers(("/vars/0", "/vars/1"), [.transpose([3, 2, 0, 1])], ["layers/conv": "patch_embed.proj"]),
            joined(
                ["layers/stage{_i}/att/q", "layers/stage{_i}/att/k", "layers/stage{_i}/att/v"],
                ("/vars/0", "/vars/1"), [.transpose([1, 0])]),
            layers(
                ("/vars/0", "/vars/1"), [.transpose([1, 0])],
                [
                    "layers/stage{_i}/att/out": "blocks.{i}.attn.proj",
                    "layers/stage{_i}/mlp/a": "blocks.{i}.mlp.fc1",
                    "layers/stage{_i}/mlp/b": "blocks.{i}.mlp.fc2", "layers/dense_pre": "pre_logits.fc",
                    "layers/dense_top": "head", "layers/dense_dist": "head_dist",
                ]),
            layers(
                ("/vars/0", "/vars/1"), [],
                [
                    "layers/stage{_i}/norm1": "blocks.{i}.norm1",
                    "layers/stage{_i}/norm2": "blocks.{i}.norm2",
                    "layers/norm": "norm", "layers/norm_pre": "norm_pre",
                ]),
        ])
}
