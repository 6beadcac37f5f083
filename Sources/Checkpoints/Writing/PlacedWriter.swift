import CSystem
import Synchronization
import TensorCore

/// A tensor and where its bytes belong.
struct PlacedTensor: Sendable {
    let tensor: NamedTensor
    let offset: Int
}

/// Writes into an open file at given places, from any thread.
struct PlacedWriter: Sendable {
    let descriptor: Int32
    let path: String
    /// What is told of the bytes that are written.
    var progress: ProgressTask?

    func failure(_ code: Int32, at offset: Int) -> CheckpointError {
        CheckpointError(
            .inaccessible, "writing failed after \(offset) bytes: \(SystemMessage.text(for: code))",
            path: path)
    }

    /// The most that one call writes, and what its end is aligned to in the file.
    ///
    /// Measured on Linux 6.18 with ext4: from 512 KiB on, the kernel looks for page-cache folios so large that a write
    /// takes three times as long.
    private static let pieceSize = 128 << 10

    private static func piece(at offset: Int, of count: Int) -> Int {
        min(count, pieceSize - offset % pieceSize)
    }

    func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done },
                Self.piece(at: offset + done, of: bytes.count - done), off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure(errno, at: offset + done)
            }
            guard written > 0 else { throw failure(ENOSPC, at: offset + done) }
            done += written
            progress?.advance(by: written)
        }
    }

    /// Copies a range of another file: inside the kernel where whole pages stay whole, otherwise through a small
    /// buffer, which then takes two thirds of the time (measured as above, for the disk's part too).
    func copy(_ file: OpenFile, from offset: Int, count length: Int, to target: Int) throws {
        try file.supply?.provide(offset..<offset + length, in: file.descriptor)
        let keepsPages = (target - offset) % Self.pageSize == 0
        let done = keepsPages ? try copyInKernel(file, from: offset, count: length, to: target) : 0
        try copyThroughMemory(file, from: offset + done, count: length - done, to: target + done)
    }

    private static let pageSize = 4096

    /// - Returns: how much was copied, less than `length` where the kernel cannot do it.
    private func copyInKernel(
        _ file: OpenFile, from offset: Int, count length: Int, to target: Int
    ) throws(CheckpointError) -> Int {
        var done = 0
        while done < length {
            let copied = system_copy_range(
                file.descriptor, off_t(offset + done), descriptor, off_t(target + done),
                min(length - done, 16 << 20))
            if copied < 0 {
                if errno == EINTR { continue }
                // Another file system, or a kernel without it: the bytes go through memory instead.
                if [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM].contains(errno) { break }
                throw failure(errno, at: target + done)
            }
            // Nothing copied: either the end of a file that shrank, which reading will tell, or a file
            // system whose files cannot be copied so.
            if copied == 0 { break }
            done += copied
            progress?.advance(by: copied)
        }
        return done
    }

    private func copyThroughMemory(
        _ file: OpenFile, from offset: Int, count length: Int, to target: Int
    ) throws {
        guard length > 0 else { return }
        let buffer = HeapBytes(count: min(length, Self.pieceSize))
        var done = 0
        while done < length {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer.buffer[0..<Self.piece(at: target + done, of: length - done)])
            try file.read(into: piece, at: offset + done)
            try put(UnsafeRawBufferPointer(piece), at: target + done)
            done += piece.count
        }
    }

    /// Writes a tensor's bytes, row-major and little-endian.
    func write(_ view: TensorView, at offset: Int) throws {
        if let region = view.plainRegion, let place = region.filePlace {
            return try copy(place.file, from: place.offset, count: region.count, to: offset)
        }
        var end = offset
        if case .joined(let parts) = view.storage, view.isContiguous, view.offset == 0,
            view.byteCount == view.storage.byteCount(of: view.dtype)
        {
            for part in parts {
                try write(part, at: end)
                end += part.byteCount
            }
            return
        }
        try view.forEachChunk {
            try put($0, at: end)
            end += $0.count
        }
    }

    /// Writes tensors, those whose bytes have to be computed on all cores.
    func write(_ tensors: [PlacedTensor]) throws {
        // Copying inside the kernel leaves the other cores to whoever reads the source meanwhile.
        let copied = tensors.filter { $0.tensor.view.isCopied }
        for placed in copied { try write(placed) }
        // Long tasks first; and very large tensors, which may have to be held in memory, one at a time.
        let computed = tensors.filter { !$0.tensor.view.isCopied }.sorted { $0.byteCount > $1.byteCount }
        let large = computed.prefix { $0.byteCount > Self.largest }
        for placed in large { try compute(placed) }
        try writeTogether(Array(computed.dropFirst(large.count)))
    }

    private static let largest = 32 << 20

    private func write(_ placed: PlacedTensor) throws {
        do {
            try write(placed.tensor.view, at: placed.offset)
        } catch {
            throw CheckpointError(error, part: placed.tensor.name)
        }
    }

    /// Writes what has to be computed; meanwhile the disk, which copying keeps busy by itself, would be idle.
    private func compute(_ placed: PlacedTensor) throws {
        try write(placed)
        system_write_back(descriptor, off_t(placed.offset), placed.byteCount)
    }

    private func writeTogether(_ tensors: [PlacedTensor]) throws {
        let failures = Mutex<[(offset: Int, error: any Error)]>([])
        Parallel.forEach(tensors.count) { index in
            // What comes later in the file may be left out once something has failed; what comes before may not,
            // so that the same file fails with the same message.
            let placed = tensors[index]
            guard failures.withLock({ $0.allSatisfy { placed.offset < $0.offset } }) else { return }
            do {
                try compute(placed)
            } catch {
                failures.withLock { $0.append((placed.offset, error)) }
            }
        }
        if let first = failures.withLock({ $0.min { $0.offset < $1.offset } }) { throw first.error }
    }
}

extension PlacedTensor {
    fileprivate var byteCount: Int { tensor.view.byteCount }
}

extension TensorView {
    /// Whether its bytes go from file to file as they are.
    fileprivate var isCopied: Bool {
        if case .joined(let parts) = storage { return parts.allSatisfy(\.isCopied) }
        return plainRegion?.filePlace != nil
    }
}
