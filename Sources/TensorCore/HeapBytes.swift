/// Bytes of our own, aligned for any vector unit, freed with their last user.
///
/// Whoever allocates them fills them before handing them on; from then on they are only read.
package final class HeapBytes: Sendable {
    package nonisolated(unsafe) let buffer: UnsafeMutableRawBufferPointer

    /// Whether the bytes are pages of their own, which go back to the system with their last user: a heap keeps
    /// large blocks that it once had, and a conversion's memory would be the sum of several tensors.
    private let areMapped: Bool

    /// Smaller ones come again and again, and fresh pages cost more than they hold.
    private static let mappedFrom = (4 << 20) + 1

    package init(count: Int) {
        if count >= Self.mappedFrom,
            let pages = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
            pages != MAP_FAILED
        {
            areMapped = true
            #if os(Linux)
                // One fault for two megabytes in place of 512; where there are no such pages, nothing changes.
                madvise(pages, count, MADV_HUGEPAGE)
            #endif
            buffer = UnsafeMutableRawBufferPointer(start: pages, count: count)
        } else {
            areMapped = false
            buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        }
    }

    package convenience init(_ bytes: some Collection<UInt8>) {
        self.init(count: bytes.count)
        buffer.copyBytes(from: bytes)
    }

    deinit {
        if areMapped {
            munmap(buffer.baseAddress, buffer.count)
        } else {
            buffer.deallocate()
        }
    }
}
