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

/// An entry of a group.
struct HDF5Link {
    enum Target {
        /// An object of this file.
        case object
        case soft(String)
        case external(file: String, path: String)
        case unknown
    }

    let name: [UInt8]
    let target: Target

    fileprivate init(_ reader: inout ByteReader) throws(ByteError) {
        let kind = try reader.integer(UInt64.self)
        name = try reader.textBytes()
        let path = try reader.text()
        let file = try reader.text()
        switch kind {
        case UInt64(HDF5_HARD_LINK.rawValue): target = .object
        case UInt64(HDF5_SOFT_LINK.rawValue): target = .soft(path)
        case UInt64(HDF5_EXTERNAL_LINK.rawValue): target = .external(file: file, path: path)
        default: target = .unknown
        }
    }
}

extension HDF5Session {
    /// What an object is, and its description where it has one.
    func object(_ path: HDF5Path) throws -> (object: hdf5_object, description: ByteReader) {
        var reader = try ask(HDF5_DESCRIBE, path)
        return (try reader.record(hdf5_object()), reader)
    }

    /// The entries of a group, in the order that the file keeps, and the texts of its attributes of these names: none
    /// for one that is not there or is no text.
    func group(
        _ path: HDF5Path, attributes: [String]
    ) throws -> (links: [HDF5Link], texts: [String: [String]]) {
        var reader = try ask(HDF5_LIST, path, attributes)
        var links: [HDF5Link] = []
        for _ in 0..<Int(clamping: try reader.integer(UInt64.self)) { links.append(try HDF5Link(&reader)) }
        var texts: [String: [String]] = [:]
        for attribute in attributes { texts[attribute] = try reader.texts() }
        return (links, texts)
    }

    /// The texts of an attribute; none when it is not there or is no text.
    func texts(_ attribute: String, of path: HDF5Path) throws -> [String] {
        var reader = try ask(HDF5_TEXTS, path, [attribute])
        return try reader.texts()
    }
}
