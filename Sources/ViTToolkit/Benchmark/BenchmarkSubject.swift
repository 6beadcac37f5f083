import Checkpoints
import TensorCore
import ViT

/// A model to be measured, and how long it took to have it.
public struct BenchmarkSubject: Sendable {
    /// The file or the variant.
    public let name: String
    /// The model, ready to run.
    public let model: VisionTransformer
    /// From opening the file, or drawing the first random number, until the model was ready.
    public let loadSeconds: Double
    /// Whether the model was read, as opposed to initialised.
    public let isFile: Bool
    /// The bytes of parameters that could not stay in the mapped file, because they are of another type or in
    /// another order than the forward pass takes.
    public let copiedByteCount: Int
    /// What the user should hear.
    public let remarks: [String]

    /// A model from a checkpoint of any kind, or, where no such file exists, a freshly initialised variant.
    ///
    /// - Parameters:
    ///   - name: a path, or a name of `ViTVariant.all`.
    ///   - options: for a variant only `imageSize` and `seed` are heeded.
    /// - Throws: `ToolkitError.unknownVariant` when there is no such file and no such variant; what opening the file
    ///   throws.
    public init(_ name: String, options: ModelOptions = ModelOptions()) throws {
        let clock = ContinuousClock()
        let start = clock.now
        self.name = name
        if Self.isPath(name) {
            let checkpoint = try Checkpoint(path: name, remote: .whole)
            try checkpoint.fetch()
            let prepared = try PreparedModel(checkpoint, options: options)
            model = try prepared.model()
            isFile = true
            copiedByteCount = model.copiedByteCount
            remarks = prepared.remarks
        } else {
            guard let variant = ViTVariant.named(name) else {
                throw ToolkitError.unknownVariant(name, candidates: ViTVariant.candidates(for: name))
            }
            var configuration = variant.configuration
            configuration.imageSize = options.imageSize ?? configuration.imageSize
            let parameters = try ViTInitialisation(configuration, seed: options.seed).parameters()
            model = try VisionTransformer(
                configuration: configuration,
                parameters: Dictionary(
                    parameters.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first }))
            isFile = false
            copiedByteCount = 0
            remarks = []
        }
        loadSeconds = (clock.now - start).seconds
    }

    /// What exists, and what has an ending or a folder, is meant as a file.
    private static func isPath(_ name: String) -> Bool {
        name.contains("/") || name.contains(".") || access(name, F_OK) == 0
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
