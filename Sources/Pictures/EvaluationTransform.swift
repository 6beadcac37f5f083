import TensorCore

/// How a picture is fitted to a model's input.
public struct Resizing: Sendable, Equatable {
    /// What becomes of a picture of other proportions.
    public enum Mode: String, Sendable, CaseIterable {
        /// The shorter side is fitted, and what is outside of the middle left out.
        case center
        /// Both sides are fitted; proportions are not kept.
        case squash
        /// The longer side is fitted, and the rest filled with the mean colour.
        case border
    }

    /// The part of the resized picture that is kept, along each side; above 0, at most 1.
    public var cropRatio: Double
    /// What becomes of other proportions.
    public var mode: Mode
    /// How pixels between pixels are made.
    public var interpolation: Interpolation

    /// timm's for most Vision Transformers, unless told otherwise.
    ///
    /// - Parameters:
    ///   - cropRatio: the part of the resized picture that is kept, along each side; above 0, at most 1.
    ///   - mode: what becomes of other proportions.
    ///   - interpolation: how pixels between pixels are made.
    public init(cropRatio: Double = 0.9, mode: Mode = .center, interpolation: Interpolation = .bicubic) {
        self.cropRatio = cropRatio
        self.mode = mode
        self.interpolation = interpolation
    }
}

/// How a picture becomes a model's input, as timm does it for evaluation. Source: huggingface/pytorch-image-models,
/// `timm/data/transforms_factory.py`, `transforms_imagenet_eval`, and torchvision's `Resize` and `CenterCrop`.
package struct EvaluationTransform: Sendable, Equatable {
    package var width: Int
    package var height: Int
    package var resizing: Resizing
    package var mean: [Double]
    package var standardDeviation: [Double]

    package init(
        width: Int, height: Int, resizing: Resizing, mean: [Double], standardDeviation: [Double]
    ) {
        self.width = width
        self.height = height
        self.resizing = resizing
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// The size to which a picture is resized, and the part of that which the model sees; it may reach beyond.
    package func plan(for picture: Picture) -> (width: Int, height: Int, window: PictureWindow) {
        let scaled = (
            width: Int((Double(width) / resizing.cropRatio).rounded(.down)),
            height: Int((Double(height) / resizing.cropRatio).rounded(.down))
        )
        let (old, tall) = (Double(picture.width), Double(picture.height))
        var size = scaled
        switch resizing.mode {
        case .squash: break
        case .center where scaled.width == scaled.height:
            let side = scaled.width
            let long = Int(
                Double(side * max(picture.width, picture.height)) / Double(min(picture.width, picture.height))
            )
            size = picture.width <= picture.height ? (side, long) : (long, side)
        case .center, .border:
            let ratios = [tall / Double(scaled.height), old / Double(scaled.width)]
            let ratio = (resizing.mode == .border ? ratios.max() : ratios.min()) ?? 1
            size.height = max(1, Int((tall / ratio).rounded(.toNearestOrEven)))
            size.width = max(1, Int((old / ratio).rounded(.toNearestOrEven)))
        }
        return (
            size.width, size.height,
            PictureWindow(
                left: Self.offset(size.width, width), top: Self.offset(size.height, height), width: width,
                height: height)
        )
    }

    /// Where a part begins in the middle of a length; what is too short is first padded, the odd pixel behind.
    private static func offset(_ length: Int, _ part: Int) -> Int {
        length < part
            ? -((part - length) / 2) : Int((Double(length - part) / 2).rounded(.toNearestOrEven))
    }

    /// The part of the picture that the model sees, in its size, times a whole factor.
    package func view(of picture: Picture, times factor: Int = 1) -> Picture {
        var (newWidth, newHeight, window) = plan(for: picture)
        newWidth *= factor
        newHeight *= factor
        window = PictureWindow(
            left: window.left * factor, top: window.top * factor, width: window.width * factor,
            height: window.height * factor)
        let left = max(0, window.left)
        let top = max(0, window.top)
        let inside = PictureWindow(
            left: left, top: top, width: min(newWidth, window.left + window.width) - left,
            height: min(newHeight, window.top + window.height) - top)
        let part = picture.resized(
            width: newWidth, height: newHeight, by: resizing.interpolation, window: inside)
        guard inside != window else { return part }
        let colour =
            resizing.mode == .border
            ? mean.map { UInt8(max(0, min(255, ($0 * 255).rounded(.toNearestOrEven)))) } : []
        var result = Picture(
            width: window.width, height: window.height,
            filledWith: colour.count == 3 ? colour : [UInt8](repeating: colour.first ?? 0, count: 3))
        for row in 0..<part.height {
            let target = ((row + top - window.top) * result.width + left - window.left) * 3
            let source = row * part.width * 3
            result.pixels.replaceSubrange(
                target..<target + part.width * 3, with: part.pixels[source..<source + part.width * 3])
        }
        return result
    }

    /// The model's input, `[1, channels, height, width]`; a model of one channel sees grey (ITU-R 601, as Pillow has it).
    package func input(from picture: Picture) throws -> FloatTensor {
        let view = view(of: picture)
        let count = view.width * view.height
        var values: [Float] = []
        values.reserveCapacity(count * mean.count)
        for channel in mean.indices {
            let (mean, deviation) = (Float(mean[channel]), Float(standardDeviation[channel]))
            for pixel in 0..<count {
                let value = self.mean.count == 1 ? view.grey(pixel) : view.pixels[pixel * 3 + channel]
                values.append((Float(value) / 255 - mean) / deviation)
            }
        }
        return try FloatTensor(shape: Shape([1, mean.count, view.height, view.width]), values: values)
    }
}

extension Picture {
    /// Source: Pillow, `Convert.c`, `L24`.
    fileprivate func grey(_ pixel: Int) -> UInt8 {
        let weights = [19595, 38470, 7471]
        let sum = weights.indices.reduce(0x8000) { $0 + Int(pixels[pixel * 3 + $1]) * weights[$1] }
        return UInt8(sum >> 16)
    }
}
