import TensorCore
import Testing

@testable import Layers

/// Values of the kernels as torch computes them, from `Fixtures/kernels` (written by `Fixtures/generate.py`).
struct KernelFixture {
    private let tensors: [String: TensorView]

    init(_ name: String, sourceFile: String = #filePath) throws {
        let root = sourceFile.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = ByteRegion(try OpenFile(path: "/\(root)/Fixtures/kernels/\(name).safetensors"))
        var reader = ByteReader(file)
        let header = try JSONParser.parse(try reader.bytes(Int(try reader.integer(UInt64.self))))
        var tensors: [String: TensorView] = [:]
        for member in header.members ?? [] where member.key != "__metadata__" {
            let offsets = try #require(member.value["data_offsets"]?.array).compactMap(\.integer)
            let shape = try Shape(try #require(member.value["shape"]?.array).compactMap(\.integer))
            let dtype = try #require(member.value["dtype"]?.string.flatMap(DType.init(rawValue:)))
            let bytes = try file.slice(reader.position + offsets[0], offsets[1] - offsets[0])
            tensors[member.key] = try TensorView(storage: .bytes(bytes, .little), dtype: dtype, shape: shape)
        }
        self.tensors = tensors
    }

    /// The names before the first dot.
    var cases: [String] { Set(tensors.keys.map { String($0.prefix { $0 != "." }) }).sorted() }

    func has(_ name: String) -> Bool { tensors[name] != nil }

    func view(_ name: String) throws -> TensorView {
        try #require(tensors[name], "the fixture has no \(name)")
    }

    func floats(_ name: String) throws -> FloatTensor { try FloatTensor(view(name)) }

    func doubles(_ name: String) throws -> [Double] {
        var values: [Double] = []
        try view(name).converted(to: .f64).forEachChunk { values += $0.bindMemory(to: Double.self) }
        return values
    }
}

/// The largest distance of two lists, in units of the largest expected number.
func largestError(_ found: [Float], _ expected: [Float]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let scale = Double(expected.map(abs).max() ?? 0)
    var worst = 0.0
    for (a, b) in zip(found, expected) {
        let error = abs(Double(a) - Double(b))
        if error.isNaN { return .infinity }
        worst = max(worst, error)
    }
    return scale > 0 ? worst / scale : worst
}

/// Lends an array's elements as a matrix.
func withMatrix<Result>(_ values: inout [Float], columns: Int, _ body: (Matrix) throws -> Result) rethrows
    -> Result
{
    let rows = values.count / columns
    return try values.withUnsafeMutableBufferPointer { buffer in
        try body(Matrix(buffer.baseAddress.unsafelyUnwrapped, rows: rows, columns: columns))
    }
}

/// Lends two arrays' elements as matrices.
func withMatrices<Result>(
    _ first: inout [Float], columns firstColumns: Int, _ second: inout [Float], columns secondColumns: Int,
    _ body: (Matrix, Matrix) throws -> Result
) rethrows -> Result {
    try withMatrix(&first, columns: firstColumns) { first in
        try withMatrix(&second, columns: secondColumns) { second in try body(first, second) }
    }
}
