import TensorCore

/// What another implementation computed: an input, its logits, and any activations on the way.
package struct ReferenceBundle: Sendable {
    /// The images, `[B, C, H, W]`.
    package let input: FloatTensor
    /// Whether the images stood as `[B, H, W, C]` and were turned.
    package let wasChannelsLast: Bool
    /// What the model gave for them, `[B, classes]`.
    package let logits: FloatTensor
    /// Everything else, by name, in the order of the file; read when compared.
    package let activations: [(name: String, view: TensorView)]

    /// Takes a reference apart.
    ///
    /// `input` may be `[B, C, H, W]` or `[B, H, W, C]`, told by where the number of channels stands (the former
    /// when both fit), or one image without the batch axis. `logits` (or `output`) may lack the batch axis when
    /// there is one image.
    ///
    /// - Parameter channels: how many channels the model's images have.
    /// - Throws: `ParityError`; whatever reading the file throws.
    package init(_ tensors: [(name: String, view: TensorView)], channels: Int = 3) throws {
        let names = tensors.map(\.name)
        func find(_ candidates: String...) throws -> (name: String, view: TensorView) {
            for candidate in candidates {
                guard let tensor = tensors.first(where: { $0.name == candidate }) else { continue }
                guard !tensor.view.dtype.isComplex else {
                    throw ParityError.type(candidate, found: tensor.view.dtype)
                }
                return tensor
            }
            throw ParityError.missing(candidates[0], expected: ["input", "logits"], found: names)
        }
        let input = try find("input")
        let logits = try find("logits", "output")
        (self.input, wasChannelsLast) = try Self.images(input.view, channels: channels)
        let batch = self.input.shape[0]
        var scores = logits.view
        if scores.shape.rank == 1, batch == 1 { scores = try scores.reshaped(Shape([1, scores.shape[0]])) }
        guard scores.shape.rank == 2, scores.shape[0] == batch, scores.shape[1] > 0 else {
            throw ParityError.shape(
                logits.name, expected: "[\(batch), classes]", found: logits.view.shape.dimensions)
        }
        self.logits = try FloatTensor(scores)
        activations = tensors.filter { $0.name != input.name && $0.name != logits.name }
    }

    private static func images(_ view: TensorView, channels: Int) throws -> (FloatTensor, Bool) {
        var view = view
        let found = view.shape.dimensions
        if view.shape.rank == 3 { view = try view.reshaped(Shape([1] + found)) }
        guard view.shape.rank == 4, view.shape.elementCount > 0,
            view.shape[1] == channels || view.shape[3] == channels
        else {
            let expected = "[B, \(channels), H, W] or [B, H, W, \(channels)]"
            throw ParityError.shape("input", expected: expected, found: found)
        }
        let isChannelsLast = view.shape[1] != channels
        return (try FloatTensor(isChannelsLast ? view.permuted([0, 3, 1, 2]) : view), isChannelsLast)
    }

    /// The first image alone, with what belongs to it.
    package func firstImage() throws -> ReferenceBundle {
        let batch = input.shape[0]
        func first(_ tensor: FloatTensor) throws -> FloatTensor {
            let shape = try Shape([1] + tensor.shape.dimensions.dropFirst())
            return try FloatTensor(shape: shape, values: Array(tensor.values.prefix(shape.elementCount)))
        }
        return ReferenceBundle(
            input: try first(input), wasChannelsLast: wasChannelsLast, logits: try first(logits),
            activations: try activations.map { name, view in
                guard view.shape.rank > 1, view.shape[0] == batch else { return (name, view) }
                return (name, try view.sliced(axis: 0, 0..<1))
            })
    }

    private init(
        input: FloatTensor, wasChannelsLast: Bool, logits: FloatTensor,
        activations: [(name: String, view: TensorView)]
    ) {
        self.input = input
        self.wasChannelsLast = wasChannelsLast
        self.logits = logits
        self.activations = activations
    }

    /// Checks that the images have the size that a model takes.
    package func require(imageHeight: Int, imageWidth: Int) throws(ParityError) {
        let found = [input.shape[2], input.shape[3]]
        guard found == [imageHeight, imageWidth] else {
            throw .imageSize(expected: [imageHeight, imageWidth], found: found)
        }
    }
}
