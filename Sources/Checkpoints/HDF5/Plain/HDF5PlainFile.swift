import CHDF5
import TensorCore

/// A file whose structure is read without libhdf5: for checkpoints as h5py, Keras and this program write them, which
/// saves loading the library and asking it about every object.
///
/// The library remains the authority. Whatever is not known here for certain to mean the same to it (damage,
/// oddities, parts of the format that checkpoints have no use for) throws ``HDF5Doubt``, and the whole
/// file is then the library's to list. References are to the HDF5 File Format Specification 3.0.
final class HDF5PlainFile: HDF5Source {
    let region: ByteRegion
    let session: HDF5Session
    let blocks: HDF5Blocks
    let superblock: HDF5PlainSuperblock
    /// Objects with several names, once they are known.
    private var shared: [UInt64: HDF5Object] = [:]
    /// The group that was asked for last.
    private var group: (address: UInt64, header: HDF5Header)?
    private var attributes: [String: HDF5Attribute] = [:]
    private var heaps = HDF5GlobalHeaps()
    /// Of a file that is cut short: where datasets end, and what is not there to be looked at.
    private(set) var extents: [(name: String, end: Int)] = []
    private(set) var lost: [String] = []
    private let isCut: Bool

    /// - Parameter isCut: whether the file may end too early. What is listed then is what ``extents`` and ``lost`` are
    ///   for, and no more.
    /// - Throws: `HDF5Doubt` and others when the file is not plainly right.
    init(_ region: ByteRegion, isCut: Bool = false) throws {
        guard let offset = try HDF5Superblock.offset(in: region) else { throw HDF5Doubt("no superblock") }
        superblock = try HDF5PlainSuperblock(region, at: offset, isCut: isCut)
        self.isCut = isCut
        let end = min(superblock.end, region.count)
        blocks = HDF5Blocks(try region.slice(offset, end - offset))
        _ = try blocks.take(0, superblock.length)
        self.region = region
        session = try HDF5Session(region, isLate: true)
    }

    func object(_ path: HDF5Path, address: UInt64?) throws -> HDF5Object {
        let address = address ?? superblock.root
        if let known = shared[address] { return known }
        let header = try HDF5Header(blocks, at: address)
        var dataset: HDF5DatasetDescription?
        switch header.kind {
        case HDF5_DATASET: dataset = try describe(header, at: path)
        case HDF5_GROUP: group = (address, header)
        default: _ = try HDF5TypeDescription(plain: header.only(.datatype))
        }
        let object = HDF5Object(kind: header.kind, address: address, dataset: dataset)
        if header.references != 1 { shared[address] = object }
        return object
    }

    func isForgiven(_ path: HDF5Path) -> Bool {
        if isCut { lost.append(path.name) }
        return isCut
    }

    private func describe(_ header: HDF5Header, at path: HDF5Path) throws -> HDF5DatasetDescription? {
        let type = try HDF5TypeDescription(plain: header.only(.datatype))
        let space = try HDF5Dataspace(header.only(.dataspace))
        try HDF5FillValue.check(header)
        try HDF5Filters.check(header)
        var layout = try HDF5Layout(header, space: space, itemSize: type.record.size)
        if let place = layout.place {
            if isCut {
                let start = blocks.region.start - region.start
                let end = Int(clamping: place).addingReportingOverflow(layout.size + start)
                extents.append((path.name, end.overflow ? .max : end.partialValue))
                return nil
            }
            try blocks.check(place, layout.size)
            layout.record.offset = place + UInt64(blocks.region.start - region.start)
        }
        if layout.isForLibrary { return try session.object(path).dataset }
        return HDF5DatasetDescription(record: layout.record, type: type, filters: nil)
    }

    func group(
        _ path: HDF5Path, address: UInt64, attributes: [String]
    ) throws -> (links: [HDF5Link], texts: [String: [String]]) {
        let header = try header(of: address)
        self.attributes = try HDF5Attribute.all(of: header, in: blocks)
        var found: [String: [String]] = [:]
        for attribute in attributes where self.attributes[attribute] != nil {
            found[attribute] = try texts(attribute, of: path, address: address)
        }
        return (try links(of: header, address: address), found)
    }

    func texts(_ attribute: String, of path: HDF5Path, address: UInt64) throws -> [String] {
        _ = try header(of: address)
        return try attributes[attribute]?.texts { try heaps.text(at: $0, index: $1, count: $2, in: blocks) }
            ?? []
    }

    private func header(of address: UInt64) throws -> HDF5Header {
        guard let group, group.address == address else { throw HDF5Doubt("a group that was not asked for") }
        return group.header
    }

    /// The links of a group, wherever it keeps them.
    private func links(of header: HDF5Header, address: UInt64) throws -> [HDF5Link] {
        if header.has(.symbolTable) {
            var table = try header.only(.symbolTable)
            let (tree, heap) = (try table.address(), try table.address())
            if address == superblock.root, let cached = superblock.rootTable {
                try HDF5Doubt.unless(cached == (tree, heap), "two tables for the root")
            }
            return try HDF5SymbolTable(blocks, tree: tree, heap: heap, superblock: superblock).links
        }
        return try HDF5LinkMessages.links(of: header, in: blocks)
    }
}
