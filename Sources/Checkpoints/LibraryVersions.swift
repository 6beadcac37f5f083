import CHDF5
import CZlib

/// Which libraries read and write containers.
package enum LibraryVersions {
    /// The zlib that is in use.
    package static var zlib: String { String(cString: zlibVersion()) }

    /// The libhdf5 that this program needs; asking loads nothing.
    package static var hdf5: String { String(cString: hdf5_version()) }

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
