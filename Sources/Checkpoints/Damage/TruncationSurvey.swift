import TensorCore

/// Looks through a file that no reader takes for what is missing at its end.
///
/// Readers demand that all is there; a survey goes by the same records as far as they go. It finds nothing where a file
/// is damaged in another way.
enum TruncationSurvey {
    static func truncation(of region: ByteRegion) -> Truncation? {
        guard let probe = try? Probe(region), region.count > 0 else { return nil }
        if probe.starts(with: "PK\u{3}\u{4}") { return try? zip(region) }
        if TorchLegacy.matches(probe) { return try? legacy(region) }
        if probe.starts(with: NpyHeader.magic) { return try? npy(region) }
        if (try? HDF5Superblock.offset(in: region)) != nil,
            let truncation = try? hdf5(region)
        {
            return truncation
        }
        if MessagePackProbe.matches(region) { return messagePack(region) }
        return (try? tar(region)) ?? (try? safetensors(region))
    }

    /// The sum, or nil when it is beyond all.
    static func sum(_ first: Int, _ second: Int?) -> Int? {
        guard let second else { return nil }
        let (sum, overflow) = first.addingReportingOverflow(second)
        return overflow ? nil : sum
    }

    // MARK: safetensors

    private static func safetensors(_ region: ByteRegion) throws -> Truncation? {
        var reader = ByteReader(region)
        let length = Int(clamping: try reader.integer(UInt64.self))
        guard (2...SafetensorsReader.largestHeader).contains(length) else { return nil }
        guard length <= reader.remaining else {
            // A header as the library writes it, and no random bytes.
            guard Array((try? reader.bytes(2)) ?? []) == Array("{\"".utf8) else { return nil }
            return Truncation(
                found: region.count, expected: 8 + length, isLeast: true,
                cutPart: "the header that lists the tensors")
        }
        let (tensors, _) = try SafetensorsReader.header(&reader, length: length)
        let found = reader.remaining
        guard let end = tensors.last?.range.upperBound, end > found, let expected = sum(8 + length, end)
        else { return nil }
        return Truncation(
            found: region.count, expected: expected,
            firstDamagedTensor: tensors.first { $0.range.upperBound > found }?.name)
    }

    // MARK: NumPy

    private static func npy(_ region: ByteRegion) throws -> Truncation? {
        var reader = ByteReader(region)
        let header = try NpyHeader(&reader)
        guard let expected = sum(reader.position, header.byteCount), expected > region.count else {
            return nil
        }
        return Truncation(found: region.count, expected: expected, firstDamagedTensor: "tensor")
    }

    // MARK: PyTorch's legacy container

    private static func legacy(_ region: ByteRegion) throws -> Truncation? {
        var reader = ByteReader(region)
        let pickles: [PickleGraph]
        do {
            pickles = try (0..<5).map { _ in try PickleMachine.run(&reader) }
        } catch {
            let failure = CheckpointError(error)
            let isAtEnd = (error as? ByteError)?.kind == .truncated
            guard isAtEnd || failure.offset == region.start + region.count else { return nil }
            return Truncation(
                found: region.count, expected: region.count, isLeast: true,
                cutPart: "the pickle that lists the tensors")
        }
        let storages = try LostStorages(pickles[3])
        var (damaged, position) = ([String](), reader.position)
        for value in pickles[4].sequence(pickles[4].root) ?? [] {
            guard let key = value.text ?? value.integer.map(String.init), let size = storages.sizes[key]
            else { return nil }
            guard let start = sum(position, 8), let end = sum(start, size) else { return nil }
            position = end
            if end > region.count { damaged.append(key) }
        }
        guard position > region.count else { return nil }
        return Truncation(
            found: region.count, expected: position, firstDamagedTensor: storages.firstTensor(in: damaged))
    }

    // MARK: PyTorch's tar container

    private static func tar(_ region: ByteRegion) throws -> Truncation? {
        var reader = ByteReader(region)
        while reader.remaining >= TorchTar.blockSize {
            let header = try reader.bytes(TorchTar.blockSize)
            guard TorchTar.isHeader(header), let size = TorchTar.octal(header[124..<136]) else { return nil }
            guard size <= reader.remaining else {
                let name = String(decoding: header[0..<100].prefix { $0 != 0 }, as: UTF8.self)
                return Truncation(
                    found: region.count, expected: sum(reader.position, size) ?? region.count, isLeast: true,
                    cutPart: "the member \(name)")
            }
            try reader.skip(size)
            let padding = (TorchTar.blockSize - size % TorchTar.blockSize) % TorchTar.blockSize
            try reader.skip(min(padding, reader.remaining))
        }
        return nil
    }

    // MARK: MessagePack

    /// What follows the array that is cut is not known.
    private static func messagePack(_ region: ByteRegion) -> Truncation? {
        do {
            _ = try MessagePackReader.read(region)
            return nil
        } catch {
            let failure = CheckpointError(error)
            guard let bytes = failure.bytes, bytes.kind == .truncated,
                let expected = sum(bytes.offset - region.start, bytes.needed)
            else { return nil }
            return Truncation(
                found: region.count, expected: expected, isLeast: true, firstDamagedTensor: failure.part,
                cutPart: "the map that holds the tensors")
        }
    }

    // MARK: HDF5

    private static func hdf5(_ region: ByteRegion) throws -> Truncation? {
        let file = try HDF5PlainFile(region, isCut: true)
        let end = file.superblock.end
        guard end > region.count else { return nil }
        _ = try? HDF5Reader.list(file)
        let damaged = file.extents.filter { $0.end > region.count }.min { $0.end < $1.end }
        return Truncation(
            found: region.count, expected: end, firstDamagedTensor: damaged?.name ?? file.lost.first,
            cutPart: "the structure of the file")
    }
}
