/// Brings strided elements into row-major order.
///
/// Axes that lie densely inside one another are merged first. What remains is copied row by row; where the
/// last axis jumps, in square tiles, so that every cache line that is fetched is used up before it leaves.
struct StridedGather {
    private var outer: [(length: Int, stride: Int)] = []
    private var rows = (length: 1, stride: 0)
    private var columns = (length: 1, stride: 1)
    private var offset: Int
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

    /// Hands the elements of a storage in memory to `body` in pieces of at most `size` bytes.
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
                    copy(
                        source, (rows.stride, columns.stride), to: chunk.buffer, height: height, width: width)
                    try body(UnsafeRawBufferPointer(rebasing: chunk.buffer[0..<height * width * itemSize]))
                }
            }
        }
    }

    // MARK: Panels of a file

    private static let panelSize = 4 << 20
    private static let largestPanel = 16 << 20
    /// A shorter read costs more by its call than by its bytes.
    private static let goodRead = 2 << 10
    private static let shortestRead = 256

    /// How many rows of the result make a panel; nil where the elements are no transposed matrix, or one whose
    /// parts lie too far apart to be read one by one.
    private var rowsOfPanel: Int? {
        guard outer.isEmpty, rows.stride == 1, columns.stride >= rows.length else { return nil }
        let line = columns.length * itemSize
        let count = max(Self.panelSize / line, min(Self.goodRead / itemSize, Self.largestPanel / line))
        return count * itemSize >= Self.shortestRead ? min(count, rows.length) : nil
    }

    /// The same for the bytes of a file, holding a few megabytes of it at a time.
    ///
    /// - Parameter swapped: what to do with bytes that stand in big-endian order.
    /// - Returns: false, having done nothing, when the elements can only be had from the whole.
    func forEachChunk(
        ofFile region: ByteRegion, size: Int, swapped: ((UnsafeMutableRawBufferPointer) -> Void)?,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        guard let rowsAtOnce = rowsOfPanel else { return false }
        let panel = HeapBytes(count: rowsAtOnce * columns.length * itemSize)
        guard let start = panel.buffer.baseAddress else { return false }
        for row in stride(from: 0, to: rows.length, by: rowsAtOnce) {
            let height = min(rowsAtOnce, rows.length - row)
            for column in 0..<columns.length {
                let target = UnsafeMutableRawBufferPointer(
                    start: start + column * height * itemSize, count: height * itemSize)
                try region.read(into: target, at: (offset + row + column * columns.stride) * itemSize)
            }
            swapped?(
                UnsafeMutableRawBufferPointer(rebasing: panel.buffer[0..<height * columns.length * itemSize]))
            var part = self
            part.offset = 0
            part.rows.length = height
            part.columns.stride = height
            try part.forEachChunk(of: UnsafeRawBufferPointer(panel.buffer), size: size, body)
        }
        return true
    }

    // MARK: Copying

    private typealias Strides = (row: Int, column: Int)

    private func copy(
        _ source: UnsafeRawPointer, _ strides: Strides, to target: UnsafeMutableRawBufferPointer, height: Int,
        width: Int
    ) {
        guard let target = target.baseAddress else { return }
        switch itemSize {
        case 1: Self.copy(source, strides, target, height, width, UInt8.self)
        case 2: Self.copy(source, strides, target, height, width, UInt16.self)
        case 4 where strides.row == 1: Self.transpose(source, strides.column, target, height, width)
        case 4: Self.copy(source, strides, target, height, width, UInt32.self)
        case 8: Self.copy(source, strides, target, height, width, UInt64.self)
        default: Self.copy(source, strides, target, height, width, SIMD2<UInt64>.self)
        }
    }

    @inline(__always)
    private static func copy<T: BitwiseCopyable>(
        _ source: UnsafeRawPointer, _ strides: Strides, _ target: UnsafeMutableRawPointer, _ height: Int,
        _ width: Int, _: T.Type
    ) {
        let size = MemoryLayout<T>.size
        if strides.column == 1 {
            for row in 0..<height {
                memcpy(target + row * width * size, source + row * strides.row * size, width * size)
            }
            return
        }
        for rowStart in stride(from: 0, to: height, by: tile) {
            for columnStart in stride(from: 0, to: width, by: tile) {
                for row in rowStart..<min(rowStart + tile, height) {
                    for column in columnStart..<min(columnStart + tile, width) {
                        let value = (source + (row * strides.row + column * strides.column) * size)
                            .loadUnaligned(as: T.self)
                        (target + (row * width + column) * size).storeBytes(of: value, as: T.self)
                    }
                }
            }
        }
    }

    /// Elements of four bytes whose columns stand densely, four by four.
    private static func transpose(
        _ source: UnsafeRawPointer, _ stride: Int, _ target: UnsafeMutableRawPointer, _ height: Int,
        _ width: Int
    ) {
        let (evenHeight, evenWidth) = (height / 4 * 4, width / 4 * 4)
        for rowStart in Swift.stride(from: 0, to: evenHeight, by: tile) {
            for columnStart in Swift.stride(from: 0, to: evenWidth, by: tile) {
                for row in Swift.stride(from: rowStart, to: min(rowStart + tile, evenHeight), by: 4) {
                    for column in Swift.stride(
                        from: columnStart, to: min(columnStart + tile, evenWidth), by: 4)
                    {
                        let from = source + (column * stride + row) * 4
                        let a = from.loadUnaligned(as: SIMD4<UInt32>.self)
                        let b = (from + 4 * stride).loadUnaligned(as: SIMD4<UInt32>.self)
                        let c = (from + 8 * stride).loadUnaligned(as: SIMD4<UInt32>.self)
                        let d = (from + 12 * stride).loadUnaligned(as: SIMD4<UInt32>.self)
                        let to = target + (row * width + column) * 4
                        for index in 0..<4 {
                            (to + index * width * 4).storeBytes(
                                of: SIMD4(a[index], b[index], c[index], d[index]), as: SIMD4<UInt32>.self)
                        }
                    }
                }
            }
        }
        // What is left over at the right and below.
        for row in 0..<height {
            for column in (row < evenHeight ? evenWidth : 0)..<width {
                let value = (source + (row + column * stride) * 4).loadUnaligned(as: UInt32.self)
                (target + (row * width + column) * 4).storeBytes(of: value, as: UInt32.self)
            }
        }
    }
}
