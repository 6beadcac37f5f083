import TensorCore

@testable import Parity

/// Logits of one small random Vision Transformer (width 24, 2 blocks) for two images, from timm and torch.
enum Logits {
    /// In F32, with the exact GELU.
    static let exact: [Float] = [
        -0.08594444394111633, -1.4614651203155518, 0.9885278940200806, -1.1748523712158203,
        0.49993711709976196,
        -0.4942944645881653, 0.5107209086418152, 1.4213511943817139, 1.1851963996887207, 1.0260480642318726,
        0.5267672538757324, -0.896040678024292, 0.6017919182777405, -0.029548726975917816, 1.5315417051315308,
        -0.33508825302124023, 0.4080607295036316, 0.9677417278289795, 0.8403671979904175, -0.8248569965362549,
    ]

    /// In F64.
    static let double: [Float] = [
        -0.08594430238008499, -1.4614651203155518, 0.9885274767875671, -1.1748528480529785,
        0.4999368190765381,
        -0.4942949116230011, 0.5107207298278809, 1.4213508367538452, 1.1851972341537476, 1.0260483026504517,
        0.5267677903175354, -0.8960410356521606, 0.6017916202545166, -0.029548628255724907,
        1.5315420627593994,
        -0.33508849143981934, 0.4080601930618286, 0.9677416682243347, 0.84036785364151, -0.8248571753501892,
    ]

    /// With the tanh form of GELU.
    static let tanh: [Float] = [
        -0.0859198272228241, -1.4618717432022095, 0.9885228872299194, -1.1745641231536865,
        0.49968254566192627,
        -0.4941687285900116, 0.5107489228248596, 1.4210553169250488, 1.185489535331726, 1.0257436037063599,
        0.5267542600631714, -0.8959192633628845, 0.6017489433288574, -0.029535911977291107, 1.531693935394287,
        -0.33512210845947266, 0.4079515039920807, 0.967810869216919, 0.8402817249298096, -0.824822187423706,
    ]

    static func tensor(_ dimensions: [Int], _ values: [Float]) throws -> FloatTensor {
        try FloatTensor(shape: Shape(dimensions), values: values)
    }

    static func view(_ dimensions: [Int], _ values: [Float]) throws -> TensorView {
        let bytes = values.withUnsafeBytes { [UInt8]($0) }
        return try TensorView(
            storage: .bytes(ByteRegion(bytes), .little), dtype: .f32, shape: Shape(dimensions))
    }

    /// A reference of two one-pixel images with the given logits and activations.
    static func reference(
        _ logits: [Float], _ activations: [(name: String, view: TensorView)] = []
    ) throws -> ReferenceBundle {
        let input = try view([2, 3, 1, 1], [0, 1, 2, 3, 4, 5])
        let scores = try view([2, logits.count / 2], logits)
        return try ReferenceBundle([("input", input), ("logits", scores)] + activations)
    }
}
