import CCurl
import CHDF5
import CZlib

/// Which libraries read and write containers.
package enum LibraryVersions {
    /// The version of this package.
    package static let own = "0.1.0"

    /// The zlib that is in use.
    package static var zlib: String { String(cString: zlibVersion()) }

    /// The libhdf5 that this program needs; asking loads nothing.
    package static var hdf5: String { String(cString: hdf5_version()) }

    /// The libcurl that is in use, or why none can be. Asking loads it.
    package static var curl: String { String(cString: http_problem() ?? http_version()) }

    /// Why libhdf5 cannot be used; nil when it can. Asking loads it.
    package static var hdf5Problem: String? {
        do {
            try HDF5Library.use {}
            return nil
        } catch {
            return (error as? CheckpointError)?.detail ?? "\(error)"
        }
    }
}
