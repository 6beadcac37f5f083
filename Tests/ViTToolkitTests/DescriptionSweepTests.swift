import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

/// The files that describe a model, cut at every length, changed at every byte, and with each value in turn of every
/// other kind: each is read or refused.
@Suite struct DescriptionSweepTests {
    static let descriptions = [
        "schemes/torch/hf_vit/config.json", "schemes/torch/hf_clip/config.json",
        "schemes/torch/hf_dinov2_swiglu/config.json", "schemes/torch/hf_siglip_vision/config.json",
        "schemes/torch/timm_hub/config.json", "schemes/torch/openclip_hub/open_clip_config.json",
    ]
    static let rules = ["rules/vit_pytorch.json"]

    private static func read(_ json: JSONValue, _ name: String) {
        let file = ConfigurationFile(name: name, json: json)
        if name.contains("open_clip") {
            var description = ModelDescription()
            try? description.readOpenCLIP(file)
        } else {
            _ = try? ModelDescription(file, preprocessor: file)
        }
    }

    private static func read(_ bytes: [UInt8], _ name: String) {
        if rules.contains(name) {
            _ = try? NamingScheme(parsingRules: bytes)
        } else if let json = try? JSONParser.parse(bytes) {
            read(json, name)
        }
    }

    @Test(arguments: descriptions + rules)
    func everyChangeAndEveryCutIsReadOrRefused(_ name: String) throws {
        let bytes = try Fixtures.bytes(name)
        Parallel.forEach(bytes.count) { place in
            Self.read(Array(bytes.prefix(place)), name)
            var changed = bytes
            for value in Set([0x00, 0x7F, 0xFF, bytes[place] ^ 1]).subtracting([bytes[place]]) {
                changed[place] = value
                Self.read(changed, name)
            }
        }
    }

    private static let others: [JSONValue] = [
        .null, .bool(true), .integer(0), .integer(-1), .integer(.max), .integer(.min), .number(1e308),
        .number(0.5),
        .string(""), .string("../../etc/passwd"), .array([]), .array([.integer(1), .string("a")]),
        .array([.integer(.max), .integer(.max)]), .object([]), .object([.init("0", .object([]))]),
    ]

    /// The document with each value replaced by each of `others`, at every depth.
    private static func variants(_ value: JSONValue) -> [JSONValue] {
        var variants = others
        switch value {
        case .object(let members):
            for (index, member) in members.enumerated() {
                variants.append(.object(members.enumerated().filter { $0.offset != index }.map(\.element)))
                for variant in self.variants(member.value) {
                    var members = members
                    members[index] = .init(member.key, variant)
                    variants.append(.object(members))
                }
            }
        case .array(let values):
            for index in values.indices.prefix(4) {
                for variant in self.variants(values[index]) {
                    var values = values
                    values[index] = variant
                    variants.append(.array(values))
                }
            }
        default: break
        }
        return variants
    }

    @Test(arguments: descriptions + rules)
    func everyValueOfAnotherKindIsReadOrRefused(_ name: String) throws {
        let variants = Self.variants(try JSONParser.parse(try Fixtures.bytes(name)))
        #expect(variants.count > 100)
        Parallel.forEach(variants.count) { index in
            if Self.rules.contains(name) {
                _ = try? NamingScheme(rules: variants[index])
            } else {
                Self.read(variants[index], name)
            }
        }
    }
}
