import CHDF5
import TensorCore

/// Whoever knows what is in a file: libhdf5 (``HDF5Session``), or for files that are plainly right this program
/// itself (``HDF5PlainFile``). Both describe the same things in the same terms.
protocol HDF5Source {
    /// The bytes of the file.
    var region: ByteRegion { get }
    /// For values that do not stand in the file as they are.
    var session: HDF5Session { get }

    /// What an object is, and its description where it has one.
    ///
    /// - Parameter address: what the link to it gave; nil for the root.
    func object(_ path: HDF5Path, address: UInt64?) throws -> HDF5Object

    /// The entries of the group that was asked for last, in the order that the file keeps, and the texts of its
    /// attributes of these names: none, or no entry, for one that is not there or is no text.
    func group(
        _ path: HDF5Path, address: UInt64, attributes: [String]
    ) throws -> (links: [HDF5Link], texts: [String: [String]])

    /// The texts of an attribute of the group that was asked for last; none when it is not there or is no text.
    func texts(_ attribute: String, of path: HDF5Path, address: UInt64) throws -> [String]

    /// Whether the listing goes on although what stands at this path cannot be read.
    func isForgiven(_ path: HDF5Path) -> Bool
}

extension HDF5Source {
    func isForgiven(_ path: HDF5Path) -> Bool { false }
}

/// An entry of a group.
struct HDF5Link {
    enum Target {
        /// An object of this file, and its address where it is known.
        case object(address: UInt64?)
        case soft(String)
        case external(file: String, path: String)
        case unknown
    }

    let name: [UInt8]
    let target: Target
}

struct HDF5Object {
    let kind: hdf5_object_kind
    /// No other object of the file has it.
    let address: UInt64
    /// Of a dataset.
    let dataset: HDF5DatasetDescription?
}

struct HDF5DatasetDescription {
    let record: hdf5_dataset
    /// Nil where values are elsewhere.
    let type: HDF5TypeDescription?
    /// Nil where the library has to be asked.
    let filters: [hdf5_filter]?
}

/// A type, and the types that it is made of: that of an enumeration's or an array's elements, those of a complex
/// number's parts.
struct HDF5TypeDescription {
    let record: hdf5_type
    let parts: [HDF5TypeDescription]
}
