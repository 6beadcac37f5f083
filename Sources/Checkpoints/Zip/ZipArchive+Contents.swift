import TensorCore

/// Where a member's bytes are, and how to get at them.
extension ZipArchive {
    /// Tells that the local headers of some members are going to be read.
    ///
    /// - Parameter following: how many bytes behind a member's name are read, too; nil where it is not read at all.
    func expectHeaders(_ following: (Entry) -> Int?) {
        region.expect(
            entries.compactMap { entry in
                following(entry).map {
                    let length = Self.localHeaderSize + entry.name.utf8.count + $0
                    return entry.headerOffset..<entry.headerOffset + length
                }
            })
    }

    /// The range of the file that holds the member as stored, compressed or not.
    func storedRange(of entry: Entry) throws -> ByteRegion {
        guard !entry.isEncrypted else {
            throw CheckpointError(.unsupported, "the member is encrypted", part: entry.name)
        }
        do {
            // No more than the header, since a reader reads ahead.
            let header = try region.slice(
                entry.headerOffset, min(Self.localHeaderSize, region.count - entry.headerOffset))
            var reader = ByteReader(header)
            let start = reader.offset
            guard try reader.integer(UInt32.self) == 0x0403_4B50 else {
                throw CheckpointError(.damaged, "expected the member's local header", offset: start)
            }
            try reader.skip(22)
            let nameLength = Int(try reader.integer(UInt16.self))
            let extraLength = Int(try reader.integer(UInt16.self))
            let place = entry.headerOffset + Self.localHeaderSize + nameLength + extraLength
            guard entry.compressedSize <= entry.end - place else {
                throw CheckpointError(
                    .damaged, "it reaches into what follows it in the archive", offset: start)
            }
            return try region.slice(place, entry.compressedSize)
        } catch {
            throw CheckpointError(error, part: entry.name)
        }
    }

    /// The member's bytes as a tensor's storage: a range of the file when stored, inflated on demand otherwise.
    func storage(of entry: Entry, order: ByteOrder = .little) throws -> TensorStorage {
        let stored = try storedRange(of: entry)
        switch entry.method {
        case 0:
            guard entry.size == entry.compressedSize else {
                throw CheckpointError(
                    .damaged,
                    "a stored member of \(entry.compressedSize) bytes is said to hold \(entry.size)",
                    part: entry.name)
            }
            return .bytes(stored, order)
        case 8:
            // No deflate stream grows by more than 1032 : 1.
            guard entry.size / 1032 <= entry.compressedSize else {
                throw CheckpointError(
                    .damaged,
                    "\(entry.compressedSize) deflated bytes cannot hold the \(entry.size) that are claimed",
                    part: entry.name)
            }
            return .deferred(
                DeferredBytes(byteCount: entry.size, order: order) {
                    try Inflate.whole(stored, size: entry.size, crc32: entry.crc32, member: entry.name)
                })
        default:
            throw CheckpointError(
                .unsupported, "compression method \(entry.method); stored and deflated members are read",
                part: entry.name)
        }
    }

    /// Refuses a deflated member that holds far more than the tensor or storage it is read for: it would be inflated
    /// for nothing.
    static func prove(_ storage: TensorStorage, holdsLittleMoreThan byteCount: Int) throws {
        guard case .deferred(let deferred) = storage, deferred.byteCount - byteCount > 64 << 10 else {
            return
        }
        throw CheckpointError(
            .damaged,
            "a deflated member of \(deferred.byteCount) bytes, \(deferred.byteCount - byteCount) bytes too many"
        )
    }

    /// The member's bytes, in memory when deflated.
    ///
    /// - Parameter limit: the most that the member may hold, for members that are read whole; a deflated one
    ///   moreover no more than texts and pickles are deflated by.
    func contents(of entry: Entry, limit: Int) throws -> ByteRegion {
        let limit = entry.method == 0 ? limit : min(limit, (4 << 20) + 64 * entry.compressedSize)
        guard entry.size <= limit else {
            throw CheckpointError(
                .unsupported, "the member claims \(entry.size) bytes; at most \(limit) are read",
                part: entry.name)
        }
        switch try storage(of: entry) {
        case .bytes(let region, _): return region
        case .deferred(let deferred): return try deferred.bytes()
        case .joined, .converted: throw CheckpointError(.damaged, "no plain member", part: entry.name)
        }
    }
}
