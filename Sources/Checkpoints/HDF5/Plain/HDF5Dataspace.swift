import CHDF5
import TensorCore

/// The shape of a dataset or attribute (IV.A.2.b).
struct HDF5Dataspace {
    let isNull: Bool
    let lengths: [UInt64]
    /// The product of the lengths; 0 where there is nothing.
    let elementCount: Int

    init(_ message: ByteReader) throws {
        var reader = message
        let version = try reader.expectByte(1...2, "version of a dataspace")
        let rank = Int(try reader.expectByte(0...UInt8(HDF5_LARGEST_RANK), "number of axes"))
        let hasMaximum = try reader.expectByte(0...1, "flags of a dataspace") == 1
        if version == 1 {
            try reader.skip(5)
            isNull = false
        } else {
            let type = try reader.expectByte(0...2, "type of a dataspace")
            try HDF5Doubt.unless((type == 1) == (rank > 0), "a dataspace of type \(type) with \(rank) axes")
            isNull = type == 2
        }
        var lengths: [UInt64] = []
        for _ in 0..<rank { lengths.append(try reader.integer(UInt64.self)) }
        if hasMaximum {
            for length in lengths {
                try HDF5Doubt.unless(
                    try reader.integer(UInt64.self) >= length, "an axis longer than its maximum")
            }
        }
        self.lengths = lengths
        let count = isNull ? 0 : try Shape(try lengths.map(Self.length)).elementCount
        elementCount = count
    }

    private static func length(_ length: UInt64) throws -> Int {
        guard let length = Int(exactly: length) else { throw HDF5Doubt("an axis of \(length)") }
        return length
    }
}
