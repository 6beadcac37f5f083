import CHDF5
import TensorCore

/// What the library's file driver writes to.
final class HDF5Sink {
    private let file: AtomicFile
    /// The library reads back what it wrote when its cache is full.
    private let reader: OpenFile
    private var failure: (any Error)?

    init(_ file: AtomicFile) throws {
        guard let reader = try file.written().filePlace?.file, file.count == 0 else {
            throw CheckpointError(
                .unsupported, "an HDF5 file begins at the start of its file", path: file.path)
        }
        self.file = file
        self.reader = reader
    }

    /// Creates a file, fills it, and writes what the library kept in memory.
    func created<Result>(_ fill: (hdf5_id) throws -> Result) throws -> Result {
        var bytes = hdf5_bytes(
            context: Unmanaged.passUnretained(self).toOpaque(), size: 0,
            read: { context, offset, buffer, count in
                // What is left out after a failure reads as zeros.
                if let buffer { memset(buffer, 0, count) }
                return HDF5Sink.attempt(context) { sink in
                    try sink.reader.read(
                        into: UnsafeMutableRawBufferPointer(start: buffer, count: count),
                        at: Int(clamping: offset))
                }
            },
            write: { context, offset, buffer, count in
                HDF5Sink.attempt(context) { sink in
                    sink.file.seek(to: Int(clamping: offset))
                    try sink.file.write(UnsafeRawBufferPointer(start: buffer, count: count))
                }
            },
            resize: { context, size in
                HDF5Sink.attempt(context) { try $0.file.extend(to: Int(clamping: size)) }
            })
        return try withUnsafePointer(to: &bytes) { bytes in
            let id = hdf5_create(bytes)
            try check(id >= 0, nil)
            let result: Result
            do {
                result = try fill(id)
            } catch {
                _ = hdf5_close(id)
                throw error
            }
            try check(hdf5_close(id), nil)
            return result
        }
    }

    /// Once something has failed nothing more is written, and the library hears that all is well: told of the
    /// failure it would keep the file open, and write to it when the process ends.
    private static func attempt(
        _ context: UnsafeMutableRawPointer?, _ body: (HDF5Sink) throws -> Void
    ) -> Bool {
        guard let context else { return false }
        let sink = Unmanaged<HDF5Sink>.fromOpaque(context).takeUnretainedValue()
        guard sink.failure == nil else { return true }
        do {
            try body(sink)
        } catch {
            sink.failure = error
        }
        return true
    }

    /// Passes on what a call of the library gave, or throws what went wrong in it.
    func check(_ isDone: Bool, _ part: String?) throws {
        guard !isDone || failure != nil else { return }
        var error = HDF5Library.lastFailure
        if let failure { error = CheckpointError(failure) }
        throw CheckpointError(error, path: file.path, part: part)
    }
}
