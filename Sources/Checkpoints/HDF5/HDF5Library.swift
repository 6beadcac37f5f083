import CHDF5
import Synchronization
import TensorCore

/// The one door to libhdf5, which is a single piece of global state: one caller at a time, and whatever the
/// library reports becomes an error.
///
/// In this process the library only writes; it reads files in processes of their own (``HDF5Session``), where
/// ``HDF5PlainFile`` does not read them without it.
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

    /// What the library says of the call that failed last.
    static var lastFailure: CheckpointError {
        failure(String(cString: hdf5_message()))
    }

    static func failure(_ message: String) -> CheckpointError {
        CheckpointError(.damaged, "the HDF5 library reports: " + message)
    }
}

/// A path within an HDF5 file: the bytes that the library takes, and the name that people read.
struct HDF5Path: Sendable {
    /// From the root, without the zero that ends it.
    let bytes: [UInt8]

    static let root = HDF5Path(bytes: [UInt8(ascii: "/")])

    func appending(_ name: [UInt8]) -> HDF5Path {
        HDF5Path(bytes: bytes + (bytes.count > 1 ? [UInt8(ascii: "/")] : []) + name)
    }

    /// Without the leading slash; names are UTF-8 or ASCII.
    var name: String { String(decoding: bytes.dropFirst(), as: UTF8.self) }
}
