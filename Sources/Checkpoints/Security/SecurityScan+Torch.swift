import TensorCore

/// PyTorch's containers before the zip.
extension SecurityScan {
    /// Five pickles, then the storages.
    mutating func visitLegacy(_ region: ByteRegion, named name: String, isAlone: Bool) throws {
        var reader = ByteReader(region)
        for index in 1...5 {
            let start = reader.position
            let scan = PickleScan(reader)
            take(scan, named: "\(name)#\(index)", at: region.start + start)
            guard scan.stop == nil else { return }
            reader = scan.reader
        }
        guard isAlone else { return }
        do {
            let end = try TorchLegacy.end(of: region)
            if end < region.count {
                try visitRest(region, from: end, named: name, behind: "the last storage")
            }
        } catch {
            problem("where the storages end cannot be told: \(CheckpointError(error).detail)")
            try visitPickles(
                try region.slice(reader.position, reader.remaining),
                named: "\(name)[bytes at \(reader.position)]")
        }
    }

    private mutating func visitRest(
        _ region: ByteRegion, from end: Int, named name: String, behind last: String
    ) throws {
        let rest = try region.slice(end, region.count - end)
        finding(.strayBytes, name, "\(rest.count) bytes follow \(last)")
        try visitPickles(rest, named: "\(name)[bytes at \(end)]")
    }

    /// `sys_info` and `pickle` are pickles; `storages` and `tensors` have pickles between their numbers.
    mutating func visitTar(_ members: [(name: String, data: ByteRegion)], named name: String) throws {
        spend(members.count * TorchTar.blockSize)
        var seen: Set<String> = []
        let isCheckpoint = members.contains { TorchTar.members.contains($0.name) }
        for (member, data) in members {
            let place = name + member
            if !seen.insert(member).inserted {
                finding(.contradiction, name, "the tar archive holds the member \(member) twice")
            }
            switch member {
            case "sys_info", "pickle": try visitPickles(data, named: place, isExpected: true)
            case "storages", "tensors": try visitRows(data, named: place, areStorages: member == "storages")
            default:
                if isCheckpoint {
                    finding(
                        .hiddenMember, name,
                        "the member \(member), \(data.count) bytes, has no part in the checkpoint")
                }
                try visit(data, named: place)
            }
        }
    }

    /// A pickled count, then for each row a pickle and what follows it: elements of a storage, or a tensor's sizes.
    private mutating func visitRows(_ region: ByteRegion, named name: String, areStorages: Bool) throws {
        var reader = ByteReader(region)
        var rows = 0
        while !reader.isAtEnd, isAllowed(name) {
            let start = reader.position
            let scan = PickleScan(reader)
            take(scan, named: "\(name)#\(rows + 1)", at: region.start + start)
            guard scan.stop == nil else { return }
            reader = scan.reader
            rows += 1
            guard rows > 1 else { continue }
            do {
                if areStorages {
                    // The views that end the member are a pickle without a storage behind it.
                    guard let type = scan.globals.compactMap({ TorchDType.ofStorage($0.global.name) }).last
                    else { return }
                    let (bytes, overflow) = Int(try reader.integer(Int64.self)).multipliedReportingOverflow(
                        by: type.itemSize)
                    try reader.skip(overflow ? -1 : bytes)
                } else {
                    let rank = Int(try reader.integer(Int32.self))
                    guard rank >= 0, rank <= reader.remaining / 16 else {
                        return problem("\(name) is damaged")
                    }
                    try reader.skip(4 + 16 * rank + 8)
                }
            } catch {
                return problem("\(name) ends too early")
            }
        }
    }
}

extension TorchLegacy {
    /// Where the last storage ends.
    static func end(of region: ByteRegion) throws -> Int {
        var reader = ByteReader(region)
        for _ in 0..<3 { _ = try PickleMachine.run(&reader) }
        let graph = try PickleMachine.run(&reader)
        let keys = try PickleMachine.run(&reader)
        _ = try LegacyStorages(&reader, keys: keys, types: try storageTypes(in: graph))
        return reader.position
    }
}

extension TorchTar {
    /// The regular members in their order, as far as they can be read; nil when the bytes are no tar archive.
    static func survey(_ region: ByteRegion) -> [(name: String, data: ByteRegion)]? {
        var reader = ByteReader(region)
        var members: [(String, ByteRegion)] = []
        while let header = try? reader.bytes(blockSize), header.contains(where: { $0 != 0 }) {
            guard isHeader(header), let size = octal(header[124..<136]) else { break }
            var name = header[0..<100].prefix { $0 != 0 }
            if name.starts(with: Array("./".utf8)) { name = name.dropFirst(2) }
            guard let data = try? reader.region(min(size, reader.remaining)) else { break }
            if header[156] == 0x30 || header[156] == 0 {
                members.append((String(decoding: name, as: UTF8.self), data))
            }
            guard (try? reader.skip(min((blockSize - size % blockSize) % blockSize, reader.remaining))) != nil
            else { break }
        }
        return members.isEmpty ? nil : members
    }
}
