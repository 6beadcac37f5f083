import CHDF5
import TensorCore

extension ByteReader {
    /// A structure as it stands in memory, whose fields hold any bits.
    mutating func record<Record: BitwiseCopyable>(_ empty: Record) throws(ByteError) -> Record {
        var record = empty
        let bytes = try bytes(MemoryLayout<Record>.size)
        withUnsafeMutableBytes(of: &record) { $0.copyBytes(from: bytes) }
        return record
    }

    /// A length, and as many bytes.
    fileprivate mutating func textBytes() throws(ByteError) -> [UInt8] {
        try bytes(Int(clamping: try integer(UInt64.self)))
    }

    fileprivate mutating func text() throws(ByteError) -> String {
        String(decoding: try textBytes(), as: UTF8.self)
    }

    fileprivate mutating func texts() throws(ByteError) -> [String] {
        var texts: [String] = []
        for _ in 0..<Int(clamping: try integer(UInt64.self)) { texts.append(try text()) }
        return texts
    }
}

extension HDF5Link {
    fileprivate init(_ reader: inout ByteReader) throws(ByteError) {
        let kind = try reader.integer(UInt64.self)
        name = try reader.textBytes()
        let path = try reader.text()
        let file = try reader.text()
        switch kind {
        case UInt64(HDF5_HARD_LINK.rawValue): target = .object(address: nil)
        case UInt64(HDF5_SOFT_LINK.rawValue): target = .soft(path)
        case UInt64(HDF5_EXTERNAL_LINK.rawValue): target = .external(file: file, path: path)
        default: target = .unknown
        }
    }
}

extension HDF5TypeDescription {
    fileprivate init(_ reader: inout ByteReader, depth: Int = 0) throws {
        guard depth <= Int(HDF5_DEEPEST_TYPE) else {
            throw CheckpointError(.damaged, "types within types within types")
        }
        record = try reader.record(hdf5_type())
        var parts: [HDF5TypeDescription] = []
        for _ in 0..<Self.partCount(record) { parts.append(try Self(&reader, depth: depth + 1)) }
        self.parts = parts
    }

    private static func partCount(_ record: hdf5_type) -> Int {
        switch record.kind {
        case HDF5_ENUMERATION, HDF5_ARRAY: 1
        case HDF5_COMPOUND: record.is_complex != 0 ? 2 : 0
        default: 0
        }
    }
}

extension HDF5DatasetDescription {
    fileprivate init(_ reader: inout ByteReader) throws {
        record = try reader.record(hdf5_dataset())
        guard record.is_elsewhere == 0 else {
            type = nil
            filters = []
            return
        }
        type = try HDF5TypeDescription(&reader)
        var filters: [hdf5_filter] = []
        for _ in 0..<record.filters { filters.append(try reader.record(hdf5_filter())) }
        self.filters = filters
    }
}

extension HDF5Session: HDF5Source {
    var session: HDF5Session { self }

    func object(_ path: HDF5Path, address: UInt64?) throws -> HDF5Object { try object(path) }

    /// What an object is, and its description where it has one.
    func object(_ path: HDF5Path) throws -> HDF5Object {
        var reader = try ask(HDF5_DESCRIBE, path)
        let object = try reader.record(hdf5_object())
        return HDF5Object(
            kind: object.kind, address: object.address,
            dataset: object.kind == HDF5_DATASET ? try HDF5DatasetDescription(&reader) : nil)
    }

    func group(
        _ path: HDF5Path, address: UInt64, attributes: [String]
    ) throws -> (links: [HDF5Link], texts: [String: [String]]) {
        var reader = try ask(HDF5_LIST, path, attributes)
        var links: [HDF5Link] = []
        for _ in 0..<Int(clamping: try reader.integer(UInt64.self)) { links.append(try HDF5Link(&reader)) }
        var texts: [String: [String]] = [:]
        for attribute in attributes { texts[attribute] = try reader.texts() }
        return (links, texts)
    }

    func texts(_ attribute: String, of path: HDF5Path, address: UInt64) throws -> [String] {
        var reader = try ask(HDF5_TEXTS, path, [attribute])
        return try reader.texts()
    }
}
