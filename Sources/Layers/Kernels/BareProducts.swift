import TensorCore

/// The matrix products of a forward pass and nothing else: what the machine could do at a model's shapes.
///
/// One after another, with the library's own threads, on operands that are used again by each product of the
/// same size and so are in the cache as often as they can be.
package final class BareProducts {
    private struct Product {
        let shape: ProductShape
        let left: HeapBytes
        let right: HeapBytes
        let target: HeapBytes
    }

    private let products: [Product]

    /// How many operations one run comes to, two for each multiplication and addition.
    package let operationCount: Double

    package init(_ shapes: [ProductShape]) {
        var source = RandomSource(seed: 1)
        products = shapes.map { shape in
            Product(
                shape: shape, left: Self.drawn(shape.rows * shape.inner, &source),
                right: Self.drawn(shape.inner * shape.columns, &source),
                target: Self.drawn(shape.rows * shape.columns, &source))
        }
        operationCount = shapes.reduce(0) { $0 + $1.operationCount }
    }

    /// Computes all products once.
    ///
    /// - Returns: whether the library's threads did it; where it cannot be told how many to take, and with the
    ///   portable kernel, which has none, products are cut into tiles over the threads of ``Parallel``.
    @discardableResult
    package func run() -> Bool {
        let done: Void? = MatrixProduct.withLibraryThreads(Parallel.threadCount) {
            forEachProduct { left, right, target, shape in
                MatrixProduct.multiply(left, right, transposingRight: shape.transposesRight, into: target)
            }
        }
        if done != nil { return true }
        forEachProduct { left, right, target, shape in
            MatrixProduct.spread(left, right, transposingRight: shape.transposesRight, into: target)
        }
        return false
    }

    private func forEachProduct(
        _ body: (_ left: Matrix, _ right: Matrix, _ target: Matrix, ProductShape) -> Void
    ) {
        for product in products {
            let shape = product.shape
            let left = Self.matrix(product.left, shape.rows, shape.inner)
            let right =
                shape.transposesRight
                ? Self.matrix(product.right, shape.columns, shape.inner)
                : Self.matrix(product.right, shape.inner, shape.columns)
            let target = Self.matrix(product.target, shape.rows, shape.columns)
            for _ in 0..<shape.count { body(left, right, target, shape) }
        }
    }

    private static func matrix(_ bytes: HeapBytes, _ rows: Int, _ columns: Int) -> Matrix {
        let start = bytes.buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
        return Matrix(start, rows: rows, columns: columns)
    }

    /// Numbers between −1 and 1: zeros and denormals would take another time.
    private static func drawn(_ count: Int, _ source: inout RandomSource) -> HeapBytes {
        let bytes = HeapBytes(count: max(1, count) * MemoryLayout<Float>.stride)
        let values = bytes.buffer.bindMemory(to: Float.self)
        for index in values.indices {
            values.initializeElement(at: index, to: Float(2 * source.uniform() - 1))
        }
        return bytes
    }
}
