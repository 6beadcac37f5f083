import CHDF5
import Synchronization
import TensorCore

/// The one door to libhdf5, which is a single piece of global state: one caller at a time, and whatever the
/// library reports becomes an error.
enum HDF5Library {
    private static let lock = Mutex<Void>(())

    /// Runs `body` while nobody else uses the library.
    ///
    /// - Throws: `CheckpointError` when the library cannot be loaded, and what `body` throws.
    static func use<Result>(_ body: () throws -> Result) throws -> Result {
        var result: Swift.Result<Result, any Error>?
        lock.withLock { _ in
            result = Swift.Result {
                if let problem = hdf5_problem() {
                    throw CheckpointError(.unsupported, String(cString: problem))
                }
                return try body()
            }
        }
        guard let result else { throw CheckpointError(.unsupported, "the HDF5 library was not called") }
        return try result.get()
    }

    /// Closes a file that is no longer used; what that reports has no one to hear it.
    static func close(_ file: hdf5_id) {
        lock.withLock { _ in
            if hdf5_problem() == nil { _ = hdf5_close(file) }
        }
    }

    /// What the library says of the call that failed last.
    static var lastFailure: CheckpointError {
        CheckpointError(.damaged, "the HDF5 library reports: " + String(cString: hdf5_message()))
    }
}

/// An HDF5 file that is open for reading; its bytes come from a region of a file or of memory.
///
/// Methods are called within ``HDF5Library/use(_:)``.
final class HDF5File: Sendable {
    let region: ByteRegion
    private let source: HDF5Source
    private nonisolated(unsafe) let bytes: UnsafeMutablePointer<hdf5_bytes>
    let id: hdf5_id

    init(_ region: ByteRegion) throws {
        self.region = region
        source = try HDF5Source(region)
        bytes = .allocate(capacity: 1)
        bytes.initialize(
            to: hdf5_bytes(
                context: Unmanaged.passUnretained(source).toOpaque(), size: UInt64(region.count),
                read: { context, offset, buffer, count in
                    guard let context, let buffer else { return false }
                    let source = Unmanaged<HDF5Source>.fromOpaque(context).takeUnretainedValue()
                    return source.read(
                        into: UnsafeMutableRawBufferPointer(start: buffer, count: count), at: offset)
                },
                write: nil, resize: nil))
        id = hdf5_open(bytes)
        guard id >= 0 else {
            let error = source.takeFailure() ?? HDF5Library.lastFailure
            bytes.deallocate()
            throw error
        }
    }

    deinit {
        guard id >= 0 else { return }
        HDF5Library.close(id)
        bytes.deallocate()
    }

    /// Passes on what a call of the library gave, or throws what went wrong in it.
    func check(_ isDone: Bool) throws {
        guard isDone else { throw source.takeFailure() ?? HDF5Library.lastFailure }
    }

    /// Opens an object, lends it, and closes it.
    func withObject<Result>(_ path: HDF5Path, _ body: (hdf5_id) throws -> Result) throws -> Result {
        let object = path.bytes.withUnsafeBufferPointer { hdf5_open_object(id, $0.baseAddress) }
        try check(object >= 0)
        defer { hdf5_close_object(object) }
        return try body(object)
    }
}

/// A path within an HDF5 file: the bytes that the library takes, and the name that people read.
struct HDF5Path: Sendable {
    /// From the root, ended by a zero.
    let bytes: [CChar]

    static let root = HDF5Path(bytes: [CChar(UInt8(ascii: "/")), 0])

    func appending(_ name: [CChar]) -> HDF5Path {
        HDF5Path(bytes: bytes.dropLast() + (bytes.count > 2 ? [CChar(UInt8(ascii: "/"))] : []) + name + [0])
    }

    /// Without the leading slash; names are UTF-8 or ASCII.
    var name: String {
        String(decoding: bytes.dropFirst().dropLast().lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What the library's file driver reads from.
private final class HDF5Source: Sendable {
    private let region: ByteRegion
    /// The superblock of a file that was never closed, as it is shown to the library.
    private let superblock: (offset: Int, bytes: [UInt8])?
    private let failure = Mutex<ByteError?>(nil)

    init(_ region: ByteRegion) throws(ByteError) {
        self.region = region
        if let offset = try HDF5Superblock.offset(in: region),
            let bytes = try HDF5Superblock.closed(region, at: offset)
        {
            superblock = (offset, bytes)
        } else {
            superblock = nil
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Bool {
        do throws(ByteError) {
            let offset = Int(clamping: offset)
            try region.read(into: buffer, at: offset)
            if let superblock {
                let from = max(offset, superblock.offset)
                let end = min(offset + buffer.count, superblock.offset + superblock.bytes.count)
                for place in from..<max(from, end) {
                    buffer[place - offset] = superblock.bytes[place - superblock.offset]
                }
            }
            return true
        } catch {
            failure.withLock { $0 = error }
            return false
        }
    }

    /// Why the last read failed, told once.
    func takeFailure() -> CheckpointError? {
        let error = failure.withLock { failure in
            defer { failure = nil }
            return failure
        }
        return error.map { CheckpointError($0) }
    }
}
