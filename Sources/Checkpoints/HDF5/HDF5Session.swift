import CHDF5
import Synchronization
import TensorCore

/// An HDF5 file that libhdf5 has open for reading in a child process, which may crash or run in circles on a damaged file.
///
/// What the child says is data from a stranger: `CHDF5.h` has the protocol, and everything is judged on this
/// side. The child is a copy of this process, made without starting the program again, so that any program that
/// uses this library has it; it starts with the first question and ends with the session. When it dies, the
/// question that it died of throws, and the next question starts another.
final class HDF5Session: Sendable {
    let region: ByteRegion
    /// The superblock of a file that was never closed, as it is shown to the library.
    private let superblock: (offset: Int, bytes: [UInt8])?
    private let child = Mutex<hdf5_child?>(nil)
    /// How long an answer may take, in milliseconds.
    private let patience: Int64

    /// - Parameter patience: as much as suits a slow disk unless said otherwise; the child has a limit of processor
    ///   time of its own.
    /// - Parameter isLate: whether the child is started by the first question, not now.
    /// - Throws: `CheckpointError` when the system starts no process, and what the library says of the file.
    init(_ region: ByteRegion, patience: Int64? = nil, isLate: Bool = false) throws {
        self.region = region
        self.patience = patience ?? 60_000 + Int64(region.count >> 10)
        if let offset = try HDF5Superblock.offset(in: region),
            let bytes = try HDF5Superblock.closed(region, at: offset)
        {
            superblock = (offset, bytes)
        } else {
            superblock = nil
        }
        if !isLate { try child.withLock { try start(&$0) } }
    }

    deinit {
        child.withLock { child in
            if let child { _ = withUnsafePointer(to: child) { hdf5_end($0) } }
        }
    }

    /// The child's number, while there is one.
    var process: pid_t? { child.withLock { $0?.process } }

    // MARK: Questions

    /// What the child says of an object, or of its contents.
    ///
    /// - Parameter texts: what follows the path in the request.
    func ask(_ operation: hdf5_operation, _ path: HDF5Path, _ texts: [String] = []) throws -> ByteReader {
        let region = try child.withLock { child in
            try send(operation, path, texts, to: &child)
            let frame = try nextFrame(from: &child)
            guard frame.status == HDF5_DONE else { throw nonsense(&child) }
            return try payload(of: frame, from: &child)
        }
        return ByteReader(region)
    }

    /// All values of a dataset, in the file's type and byte order.
    func values(of path: HDF5Path, count: Int) throws -> ByteRegion {
        try child.withLock { child in
            try send(HDF5_VALUES, path, [], to: &child)
            let bytes = HeapBytes(count: count)
            var done = 0
            while true {
                let frame = try nextFrame(from: &child)
                guard frame.count <= UInt64(count - done), frame.status == HDF5_MORE || frame.count == 0
                else {
                    throw nonsense(&child)
                }
                if frame.status == HDF5_DONE { break }
                let end = done + Int(frame.count)
                try receive(
                    into: UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[done..<end]), from: &child)
                done = end
            }
            guard done == count else {
                throw CheckpointError(.damaged, "expected \(count) bytes of values, found \(done)")
            }
            return ByteRegion(bytes, count: count)
        }
    }

    // MARK: The process

    private func start(_ child: inout hdf5_child?) throws {
        var started = hdf5_child()
        let (isStarted, code) = try HDF5Library.use { try withSource { (hdf5_start($0, &started), errno) } }
        guard isStarted else {
            throw CheckpointError(
                .inaccessible, "no process to read it in: \(SystemMessage.text(for: code))")
        }
        child = started
        do {
            _ = try nextFrame(from: &child)
        } catch {
            _ = end(&child)
            throw error
        }
    }

    private func withSource<Result>(_ body: (UnsafePointer<hdf5_source>) throws -> Result) throws -> Result {
        try (superblock?.bytes ?? []).withUnsafeBytes { patch in
            var source = hdf5_source()
            source.size = UInt64(region.count)
            source.patch = patch.baseAddress
            source.patch_offset = UInt64(superblock?.offset ?? 0)
            source.patch_size = UInt64(patch.count)
            source.start = UInt64(region.start)
            switch region.source {
            case .file(let file): source.descriptor = try file.completeDescriptor(for: "libhdf5")
            case .heap(let bytes):
                source.memory = UnsafeRawPointer(bytes.buffer.baseAddress.map { $0 + region.start })
            }
            return try body(&source)
        }
    }

    /// Ends the child, whatever it does, and gives the signal that had ended it before.
    private func end(_ child: inout hdf5_child?) -> Int32 {
        defer { child = nil }
        guard let child else { return 0 }
        return withUnsafePointer(to: child) { hdf5_end($0) }
    }

    // MARK: Requests and replies

    private func send(
        _ operation: hdf5_operation, _ path: HDF5Path, _ texts: [String], to child: inout hdf5_child?
    ) throws {
        if child == nil { try start(&child) }
        let texts = path.bytes + [0] + texts.flatMap { $0.utf8 + [0] }
        let request = hdf5_request(operation: operation, count: UInt32(texts.count))
        let bytes = withUnsafeBytes(of: request) { [UInt8]($0) } + texts
        guard let connected = child else { return }
        let isSent = withUnsafePointer(to: connected) { hdf5_send($0, bytes, bytes.count) }
        if !isSent { throw death(&child) }
    }

    /// The head of the next frame, when it brings no bad news.
    private func nextFrame(from child: inout hdf5_child?) throws -> hdf5_frame {
        var frame = hdf5_frame()
        try withUnsafeMutableBytes(of: &frame) { try receive(into: $0, from: &child) }
        switch frame.status {
        case HDF5_DONE, HDF5_MORE:
            return frame
        case HDF5_FAILED:
            let message = try payload(of: frame, from: &child).array()
            throw HDF5Library.failure(String(decoding: message, as: UTF8.self))
        case HDF5_UNREADABLE:
            var reader = ByteReader(try payload(of: frame, from: &child))
            throw ByteError(try reader.record(hdf5_read_failure()))
        default:
            throw nonsense(&child)
        }
    }

    private func payload(of frame: hdf5_frame, from child: inout hdf5_child?) throws -> ByteRegion {
        guard frame.count <= UInt64(longestReply) else { throw nonsense(&child) }
        let bytes = HeapBytes(count: Int(frame.count))
        try receive(
            into: UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[0..<Int(frame.count)]), from: &child)
        return ByteRegion(bytes, count: Int(frame.count))
    }

    /// What there is to say of links and attributes is in the file, with some words around it.
    private var longestReply: Int {
        let (size, overflow) = region.count.multipliedReportingOverflow(by: 16)
        return overflow ? .max : size.addingReportingOverflow(16 << 20).partialValue
    }

    private func receive(
        into buffer: UnsafeMutableRawBufferPointer, from child: inout hdf5_child?
    ) throws(CheckpointError) {
        guard let connected = child else { throw death(&child) }
        let receipt = withUnsafePointer(to: connected) {
            hdf5_receive($0, buffer.baseAddress, buffer.count, patience)
        }
        switch receipt {
        case HDF5_RECEIVED: return
        case HDF5_TIMED_OUT:
            _ = end(&child)
            throw CheckpointError(
                .damaged, "the HDF5 library has said nothing of it for \(patience / 1000) seconds")
        default: throw death(&child)
        }
    }

    // MARK: What goes wrong

    private func death(_ child: inout hdf5_child?) -> CheckpointError {
        switch end(&child) {
        case 0: CheckpointError(.damaged, "the HDF5 library ended on it without an answer")
        case SIGXCPU: CheckpointError(.damaged, "the HDF5 library comes to no end with it")
        case let signal: CheckpointError(.damaged, "the HDF5 library crashed on it (signal \(signal))")
        }
    }

    private func nonsense(_ child: inout hdf5_child?) -> CheckpointError {
        _ = end(&child)
        return CheckpointError(.damaged, "the HDF5 library went wrong on it: its answer makes no sense")
    }
}

extension ByteError {
    fileprivate init(_ failure: hdf5_read_failure) {
        let kind: Kind =
            failure.code > 0
            ? .system(Int32(truncatingIfNeeded: failure.code)) : failure.has_shrunk > 0 ? .shrunk : .truncated
        self.init(
            kind, offset: Int(clamping: failure.offset), needed: Int(clamping: failure.needed),
            available: Int(clamping: failure.available))
    }
}
