import CZlib
import TensorCore

/// Writes `.npz` archives as `numpy.savez` does: stored members, always the same bytes for the same tensors.
package enum NpzWriter {
    /// - Throws: `CheckpointError` for a type that NumPy lacks or a name given twice, and whatever reading the
    ///   tensors or writing the file throws.
    package static func write(_ tensors: [NamedTensor], to file: AtomicFile) throws {
        var directory: [UInt8] = []
        var names: Set<String> = []
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw CheckpointError(
                    .unsupported, "a file cannot hold two tensors of one name", part: tensor.name)
            }
            let name = Array((tensor.name + ".npy").utf8)
            let header = try npyHeader(of: tensor)
            let size = header.count + tensor.view.byteCount
            let start = file.count
            try file.write(localHeader(name: name, size: size, crc32: 0))
            var checksum = header.withUnsafeBufferPointer { CZlib.crc32(0, $0.baseAddress, UInt32($0.count)) }
            try file.write(header)
            try tensor.view.forEachChunk { chunk in
                checksum = CZlib.crc32(
                    checksum, chunk.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(chunk.count))
                try file.write(chunk)
            }
            // The checksum stands before the bytes that it is made of.
            let crc32 = UInt32(truncatingIfNeeded: checksum)
            try file.overwrite(localHeader(name: name, size: size, crc32: crc32), at: start)
            directory += directoryEntry(name: name, size: size, crc32: crc32, start: start)
        }
        try file.write(directory + endRecords(count: tensors.count, size: directory.count, start: file.count))
    }

    /// The dictionary, padded so that the elements begin on a 64-byte boundary of the array file.
    private static func npyHeader(of tensor: NamedTensor) throws -> [UInt8] {
        guard let descriptor = NumPyDType.descriptor(of: tensor.view.dtype) else {
            throw CheckpointError(
                .unsupported, "NumPy has no type for \(tensor.view.dtype.rawValue)", part: tensor.name)
        }
        let lengths = tensor.view.shape.dimensions
        let shape =
            lengths.count == 1
            ? "(\(lengths[0]),)" : "(" + lengths.map(String.init).joined(separator: ", ") + ")"
        var text = Array("{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }".utf8)
        text += [UInt8](repeating: 0x20, count: 63 - (10 + text.count) % 64) + [0x0A]
        return NpyHeader.magic + [1, 0] + little(UInt16(text.count)) + text
    }

    // MARK: Zip records (APPNOTE.TXT 4.3), every size in ZIP64 form

    private static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
    }

    /// Version 4.5, no flags, stored, the first of January 1980.
    private static let common: [UInt8] = little(UInt16(45)) + [0, 0, 0, 0] + [0, 0, 0x21, 0]

    private static func localHeader(name: [UInt8], size: Int, crc32: UInt32) -> [UInt8] {
        little(UInt32(0x0403_4B50)) + common + little(crc32) + little(UInt32.max) + little(UInt32.max)
            + little(UInt16(name.count)) + little(UInt16(20)) + name + little(UInt16(1)) + little(UInt16(16))
            + little(UInt64(size)) + little(UInt64(size))
    }

    private static func directoryEntry(name: [UInt8], size: Int, crc32: UInt32, start: Int) -> [UInt8] {
        little(UInt32(0x0201_4B50)) + little(UInt16(45)) + common + little(crc32) + little(UInt32.max)
            + little(UInt32.max) + little(UInt16(name.count)) + little(UInt16(28)) + [0, 0] + [0, 0] + [0, 0]
            + little(UInt32(0)) + little(UInt32.max) + name + little(UInt16(1)) + little(UInt16(24))
            + little(UInt64(size)) + little(UInt64(size)) + little(UInt64(start))
    }

    private static func endRecords(count: Int, size: Int, start: Int) -> [UInt8] {
        let wideEnd =
            little(UInt32(0x0606_4B50)) + little(UInt64(44)) + little(UInt16(45)) + little(UInt16(45))
            + little(UInt32(0)) + little(UInt32(0)) + little(UInt64(count)) + little(UInt64(count))
            + little(UInt64(size)) + little(UInt64(start))
        let locator =
            little(UInt32(0x0706_4B50)) + little(UInt32(0)) + little(UInt64(start + size)) + little(UInt32(1))
        let end =
            little(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + little(UInt16(min(count, 0xFFFF)))
            + little(UInt16(min(count, 0xFFFF))) + little(UInt32(min(size, 0xFFFF_FFFF)))
            + little(UInt32(min(start, 0xFFFF_FFFF))) + [0, 0]
        return wideEnd + locator + end
    }
}
