import Layers
import TensorCore

/// A fresh model's parameters, drawn from a seed.
///
/// Tokens and positions: truncated normal, standard deviation 0.02. Linear weights: truncated normal, 0.01;
/// biases 0. The patch convolution: Kaiming normal over its outputs (arXiv 1502.01852), bias 0. Norms: weight 1,
/// bias 0. Truncation at ±2. As timm has it: layer scale 1e-5, the attention pooling's query and positions
/// truncated normal with the inverse square root of the width.
///
/// Each parameter depends on the seed and its name alone: a model with another head has the same body.
package struct ViTInitialisation: Sendable {
    package let configuration: ViTConfiguration
    package let seed: UInt64

    package init(_ configuration: ViTConfiguration, seed: UInt64) {
        self.configuration = configuration
        self.seed = seed
    }

    /// The distribution that one kind of parameter is drawn from.
    package enum Distribution: Sendable, Equatable {
        case constant(Float)
        case truncatedNormal(standardDeviation: Double)
        case normal(standardDeviation: Double)
    }

    /// Every parameter in model order; values are drawn when they are read, one tensor at a time.
    package func parameters() throws -> [(name: String, tensor: TensorView)] {
        try configuration.parameters.map { parameter in
            let bytes = DeferredBytes(byteCount: parameter.shape.elementCount * MemoryLayout<Float>.stride) {
                let bytes = HeapBytes(count: parameter.shape.elementCount * MemoryLayout<Float>.stride)
                let values = bytes.buffer.bindMemory(to: Float.self)
                fill(
                    parameter, UnsafeMutableBufferPointer(rebasing: values[0..<parameter.shape.elementCount]))
                return ByteRegion(bytes, count: parameter.shape.elementCount * MemoryLayout<Float>.stride)
            }
            return (
                parameter.name,
                try TensorView(storage: .deferred(bytes), dtype: .f32, shape: parameter.shape)
            )
        }
    }

    /// One parameter's values.
    package func values(of parameter: ModelParameter) -> [Float] {
        [Float](unsafeUninitializedCapacity: parameter.shape.elementCount) { buffer, initialized in
            fill(parameter, UnsafeMutableBufferPointer(rebasing: buffer[0..<parameter.shape.elementCount]))
            initialized = parameter.shape.elementCount
        }
    }

    package func distribution(of parameter: ModelParameter) -> Distribution {
        let name = parameter.name
        if name.hasSuffix(".gamma") { return .constant(1e-5) }
        if name.hasSuffix(".bias") { return .constant(0) }
        if name.hasSuffix(".weight") {
            // The weights of norms are the only ones with one axis.
            if parameter.shape.rank == 1 { return .constant(1) }
            guard parameter.shape.rank == 4 else { return .truncatedNormal(standardDeviation: 0.01) }
            let fanOut = parameter.shape[0] * parameter.shape[2] * parameter.shape[3]
            return .normal(standardDeviation: (2 / Double(fanOut)).squareRoot())
        }
        let isPool = name.hasPrefix("attn_pool.")
        return .truncatedNormal(
            standardDeviation: isPool ? 1 / Double(configuration.width).squareRoot() : 0.02)
    }

    /// Pieces are drawn at once on all cores, each from a stream of its own.
    private func fill(_ parameter: ModelParameter, _ buffer: UnsafeMutableBufferPointer<Float>) {
        guard let start = buffer.baseAddress else { return }
        let values = Matrix(start, rows: 1, columns: buffer.count)
        let distribution = distribution(of: parameter)
        let pieceLength = 1 << 16
        Parallel.forEach((buffer.count + pieceLength - 1) / pieceLength) { piece in
            let range = piece * pieceLength..<min((piece + 1) * pieceLength, values.columnCount)
            let target = UnsafeMutableBufferPointer(
                start: values.start + range.lowerBound, count: range.count)
            var source = RandomSource(seed: seed, stream: parameter.name, piece: UInt64(piece))
            Self.fill(target, distribution, &source)
        }
    }

    private static func fill(
        _ target: UnsafeMutableBufferPointer<Float>, _ distribution: Distribution,
        _ source: inout RandomSource
    ) {
        var normal = NormalDistribution()
        switch distribution {
        case .constant(let value): target.initialize(repeating: value)
        case .normal(let deviation):
            for index in target.indices {
                target.initializeElement(at: index, to: Float(normal.draw(from: &source) * deviation))
            }
        case .truncatedNormal(let deviation):
            for index in target.indices {
                let value = normal.draw(from: &source, standardDeviation: deviation, within: 2)
                target.initializeElement(at: index, to: Float(value))
            }
        }
    }
}
