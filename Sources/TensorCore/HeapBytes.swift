/// Bytes of our own, aligned for any vector unit, freed with their last user.
///
/// Whoever allocates them fills them before handing them on; from then on they are only read.
package final class HeapBytes: Sendable {
    package nonisolated(unsafe) let buffer: UnsafeMutableRawBufferPointer

    package init(count: Int) {
        buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
    }

    package convenience init(_ bytes: some Collection<UInt8>) {
        self.init(count: bytes.count)
        buffer.copyBytes(from: bytes)
    }

    deinit { buffer.deallocate() }
}
