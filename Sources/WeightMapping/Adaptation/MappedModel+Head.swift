import TensorCore

extension MappedModel {
    private static let heads = ["head", "head_dist"]
    private static let preLogits = "pre_logits.fc"

    /// How many classes the head tells apart; 0 without a head.
    package var classes: Int {
        guard let shape = self["head.weight"]?.view.shape, shape.rank > 0 else { return 0 }
        return shape[0]
    }

    /// Gives the model a head for so many classes: the one it has when the number is the same, else a new one.
    mutating func setClasses(
        _ classes: Int, keepsPreLogits: Bool, _ initializer: Adaptation.Initializer
    ) throws {
        guard classes >= 0 else {
            throw MappingError.impossibleChange("a head cannot have \(classes) classes")
        }
        let before = self.classes
        if classes == 0 { forgiveHead(because: "the head was dropped") }
        guard classes != before else { return }
        guard classes > 0 else {
            for name in headNames() { remove(name, because: "the head was dropped") }
            remarks.append("the head for \(before) classes was dropped: the model gives features")
            return
        }
        let features = try featureCount(keepsPreLogits: keepsPreLogits)
        let dtype = (self["head.weight"] ?? self["patch_embed.proj.weight"])?.view.dtype ?? .f32
        let hadHead = self["head.weight"] != nil
        let hadBias = self["head.bias"] != nil || !hadHead
        forgiveHead(because: "the head was made anew")
        let dropped = headNames().flatMap { self[$0]?.sources ?? [] }
        for head in Self.heads where head == "head" || self["dist_token"] != nil {
            var shapes = [("\(head).weight", [classes, features])]
            if hadBias { shapes.append(("\(head).bias", [classes])) }
            for (name, dimensions) in shapes {
                let view = try initializer(name, try Shape(dimensions), dtype)
                replace(MappedTensor(name: name, view: view, operations: ["initialised"]))
            }
        }
        for source in dropped { report.ignored.append(.init(name: source, reason: "the head was made anew")) }
        remarks.append(
            "the head for \(classes) classes is newly initialised"
                + (hadHead ? " (the file's has \(before))" : " (the file has none)"))
    }

    /// Takes the pre-logits layer away; the head then reads the class row itself.
    mutating func dropPreLogits() throws(MappingError) {
        guard let weight = self["\(Self.preLogits).weight"]?.view.shape, weight.rank == 2 else { return }
        if let head = self["head.weight"]?.view.shape, head.rank == 2, head[1] != weight[1] {
            throw .impossibleChange(
                "the head reads the \(head[1]) features of the pre-logits layer; without that layer it would "
                    + "get \(weight[1]): give --num-classes for a new head or --drop-head")
        }
        for part in ["weight", "bias"] {
            remove("\(Self.preLogits).\(part)", because: "the pre-logits layer was dropped")
        }
        remarks.append("the pre-logits layer was dropped")
    }

    private func headNames() -> [String] {
        Self.heads.flatMap { ["\($0).weight", "\($0).bias"] }.filter { self[$0] != nil }
    }

    /// How many numbers the head gets.
    private func featureCount(keepsPreLogits: Bool) throws(MappingError) -> Int {
        if keepsPreLogits, let shape = self["\(Self.preLogits).weight"]?.view.shape, shape.rank == 2 {
            return shape[0]
        }
        // A head may take more than one row of tokens (DINOv2's).
        if self["\(Self.preLogits).weight"] == nil, let shape = self["head.weight"]?.view.shape,
            shape.rank == 2
        {
            return shape[1]
        }
        guard let shape = self["patch_embed.proj.weight"]?.view.shape, shape.rank > 0 else {
            throw .impossibleChange("a new head needs the width, and patch_embed.proj.weight is missing")
        }
        return shape[0]
    }
}
