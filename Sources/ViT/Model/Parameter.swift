import TensorCore

/// A parameter's values as 32-bit floats: in the mapped file where they stand there so, else in memory.
struct Parameter: Sendable {
    let shape: Shape
    /// Keeps the values alive.
    private let region: ByteRegion
    nonisolated(unsafe) let values: UnsafePointer<Float>

    /// Whether the values are the file's (or the caller's) own bytes.
    let isBorrowed: Bool

    init(_ view: TensorView) throws {
        shape = view.shape
        if view.dtype == .f32, let plain = view.plainRegion, let values = try Self.floats(plain) {
            region = plain
            self.values = values
            isBorrowed = true
            return
        }
        let copy = HeapBytes(count: view.shape.elementCount * MemoryLayout<Float>.stride)
        let target = copy.buffer.bindMemory(to: Float.self)
        if view.dtype == .f16 || view.dtype == .bf16, let plain = view.plainRegion {
            try Self.widen(plain, view.dtype, into: target, count: view.shape.elementCount)
        } else {
            var done = 0
            try view.converted(to: .f32).forEachChunk { chunk in
                UnsafeMutableRawBufferPointer(rebasing: copy.buffer[done...]).copyMemory(from: chunk)
                done += chunk.count
            }
        }
        region = ByteRegion(copy, count: view.shape.elementCount * MemoryLayout<Float>.stride)
        values = UnsafePointer(target.baseAddress.unsafelyUnwrapped)
        isBorrowed = false
    }

    /// The parameter as a matrix: the last axis is the columns. Nobody writes to it.
    var matrix: Matrix {
        let columns = shape.dimensions.last ?? 1
        return Matrix(
            UnsafeMutablePointer(mutating: values), rows: columns > 0 ? shape.elementCount / columns : 0,
            columns: columns)
    }

    /// The region's bytes as floats, unless they are not aligned for it.
    private static func floats(_ region: ByteRegion) throws -> UnsafePointer<Float>? {
        let bytes = try region.pointer()
        guard let start = bytes.baseAddress, UInt(bitPattern: start).isMultiple(of: 4) else { return nil }
        return start.assumingMemoryBound(to: Float.self)
    }

    private static func widen(
        _ region: ByteRegion, _ dtype: DType, into target: UnsafeMutableBufferPointer<Float>, count: Int
    ) throws {
        let piece = 1 << 20
        let start = target.baseAddress.unsafelyUnwrapped
        let halves = HeapBytes(count: min(piece, count) * 2)
        for first in stride(from: 0, to: count, by: piece) {
            let length = min(piece, count - first)
            try region.read(
                into: UnsafeMutableRawBufferPointer(rebasing: halves.buffer[0..<2 * length]), at: 2 * first)
            let source = UnsafeRawPointer(halves.buffer.baseAddress.unsafelyUnwrapped)
            Kernels.widen(
                source.assumingMemoryBound(to: UInt16.self), dtype, into: start + first, count: length)
        }
    }
}

/// Hands out a model's parameters by name, after proving that there are exactly the right ones.
final class ParameterSource {
    private let views: [String: TensorView]
    /// The bytes of all parameters that could not stay where they were.
    private(set) var copiedByteCount = 0

    /// - Throws: `ViTError.parameters` with every problem.
    init(_ views: [String: TensorView], for configuration: ViTConfiguration) throws {
        var problems: [ViTError.ParameterProblem] = []
        let expected = configuration.parameters
        for parameter in expected {
            guard let view = views[parameter.name] else {
                problems.append(.missing(name: parameter.name, shape: parameter.shape))
                continue
            }
            if view.shape != parameter.shape {
                problems.append(.shape(name: parameter.name, expected: parameter.shape, found: view.shape))
            }
        }
        let names = Set(expected.map(\.name))
        problems += views.keys.filter { !names.contains($0) }.sorted().map { .unexpected(name: $0) }
        guard problems.isEmpty else { throw ViTError.parameters(problems) }
        self.views = views
    }

    /// A parameter that the configuration has.
    func parameter(_ name: String) throws -> Parameter {
        guard let parameter = try optional(name) else {
            throw ViTError.notAVisionTransformer(missing: [name])
        }
        return parameter
    }

    /// A parameter that the configuration may or may not have.
    func optional(_ name: String) throws -> Parameter? {
        guard let view = views[name] else { return nil }
        let parameter = try Parameter(view)
        if !parameter.isBorrowed {
            copiedByteCount += view.shape.elementCount * MemoryLayout<Float>.stride
        }
        return parameter
    }

    func linear(_ name: String) throws -> Linear {
        Linear(weight: try parameter("\(name).weight"), bias: try optional("\(name).bias"))
    }

    func norm(_ name: String, epsilon: Float) throws -> LayerNorm {
        LayerNorm(
            weight: try parameter("\(name).weight"), bias: try parameter("\(name).bias"), epsilon: epsilon)
    }

    /// A norm that the configuration may or may not have.
    func optionalNorm(_ name: String, epsilon: Float) throws -> LayerNorm? {
        views["\(name).weight"] == nil ? nil : try norm(name, epsilon: epsilon)
    }
}
