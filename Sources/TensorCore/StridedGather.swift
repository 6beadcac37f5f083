/// Brings strided elements into row-major order.
///
/// Axes that lie densely inside one another are merged first. What remains is copied row by row; where the
/// last axis jumps, in square tiles, so that every cache line that is fetched is used up before it leaves.
struct StridedGather {
    private var outer: [(length: Int, stride: Int)] = []
    private var rows = (length: 1, stride: 0)
    private var columns = (length: 1, stride: 1)
    private let offset: Int
    private let itemSize: Int
    private static let tile = 32

    init(shape: Shape, strides: [Int], offset: Int, itemSize: Int) {
        self.offset = offset
        self.itemSize = itemSize
        var axes: [(length: Int, stride: Int)] = []
        for (length, stride) in zip(shape.dimensions, strides) where length != 1 {
            if let last = axes.last, last.stride == length * stride {
                axes[axes.count - 1] = (last.length * length, stride)
            } else {
                axes.append((length, stride))
            }
        }
        if let last = axes.popLast() { columns = last }
        if let last = axes.popLast() { rows = last }
        outer = axes
    }

    /// Hands the elements to `body` in pieces of at most `size` bytes.
    func forEachChunk(
        of base: UnsafeRawBufferPointer, size: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard let start = base.baseAddress else { return }
        let columnsAtOnce = max(1, min(columns.length, size / itemSize))
        let rowsAtOnce =
            columnsAtOnce < columns.length ? 1 : max(1, min(rows.length, size / (columns.length * itemSize)))
        let chunk = HeapBytes(count: columnsAtOnce * rowsAtOnce * itemSize)
        let plane = rows.length * columns.length
        guard plane > 0 else { return }
        let planes = outer.reduce(1) { $0 * $1.length }
        for index in 0..<planes {
            var rest = index
            var place = offset
            for axis in outer.reversed() {
                place += rest % axis.length * axis.stride
                rest /= axis.length
            }
            for row in stride(from: 0, to: rows.length, by: rowsAtOnce) {
                for column in stride(from: 0, to: columns.length, by: columnsAtOnce) {
                    let height = min(rowsAtOnce, rows.length - row)
                    let width = min(columnsAtOnce, columns.length - column)
                    let source = start + (place + row * rows.stride + column * columns.stride) * itemSize
                    copy(source, chunk.buffer, height: height, width: width)
                    try body(UnsafeRawBufferPointer(rebasing: chunk.buffer[0..<height * width * itemSize]))
                }
            }
        }
    }

    private func copy(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawBufferPointer, height: Int, width: Int
    ) {
        guard let target = target.baseAddress else { return }
        switch itemSize {
        case 1: copy(source, target, height, width, UInt8.self)
        case 2: copy(source, target, height, width, UInt16.self)
        case 4: copy(source, target, height, width, UInt32.self)
        case 8: copy(source, target, height, width, UInt64.self)
        default: copy(source, target, height, width, SIMD2<UInt64>.self)
        }
    }

    @inline(__always)
    private func copy<T: BitwiseCopyable>(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ height: Int, _ width: Int, _: T.Type
    ) {
        let size = MemoryLayout<T>.size
        if columns.stride == 1 {
            for row in 0..<height {
                memcpy(target + row * width * size, source + row * rows.stride * size, width * size)
            }
            return
        }
        for rowStart in stride(from: 0, to: height, by: Self.tile) {
            for columnStart in stride(from: 0, to: width, by: Self.tile) {
                for row in rowStart..<min(rowStart + Self.tile, height) {
                    for column in columnStart..<min(columnStart + Self.tile, width) {
                        let value = (source + (row * rows.stride + column * columns.stride) * size)
                            .loadUnaligned(as: T.self)
                        (target + (row * width + column) * size).storeBytes(of: value, as: T.self)
                    }
                }
            }
        }
    }
}
