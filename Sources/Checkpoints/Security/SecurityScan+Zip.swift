import TensorCore

/// Zip archives: PyTorch's, TorchScript's, NumPy's, Keras's.
extension SecurityScan {
    /// What is inflated to look for pickles; PyTorch never packs its own.
    private static let largestInflated = 48 << 20
    private static let pickleEndings = [".pkl", ".pickle", ".joblib", ".dill", ".debug_pkl"]

    mutating func visit(_ archives: [ZipSurvey], in region: ByteRegion, named name: String) throws {
        spend(archives.reduce(0) { $0 + $1.members.count } * ZipSurvey.memberSize)
        for (index, archive) in archives.enumerated() {
            let isLast = index == archives.count - 1
            if !isLast, archives.last?.contains(archive) ?? false { continue }
            let place = isLast ? name : "\(name)[archive that ends at byte \(archive.end)]"
            if !isLast {
                finding(
                    .polyglot, name,
                    "a second zip archive ends at byte \(archive.end): which of the two is read depends on the reader"
                )
            }
            if archive.start > 0 {
                finding(.strayBytes, place, "\(archive.start) bytes before the archive, by its own offsets")
            }
            if !archive.isWhole { problem("the zip directory is damaged") }
            if archive.isCut {
                problem("a zip archive of more members than are followed")
            }
            report(gapsOf: archive, in: region, at: place, isLast: isLast)
            report(contradictionsIn: archive, at: place)
            try visit(membersOf: archive, at: place)
        }
    }

    private mutating func report(
        gapsOf archive: ZipSurvey, in region: ByteRegion, at place: String, isLast: Bool
    ) {
        if !archive.comment.isEmpty {
            finding(.strayBytes, place, "a comment of \(archive.comment.count) bytes")
        }
        for gap in archive.gaps where isLast || gap.upperBound <= archive.end {
            if gap.lowerBound == 0 && gap.upperBound == archive.start { continue }
            let side = gap.lowerBound == 0 ? "before" : gap.lowerBound >= archive.end ? "behind" : "within"
            finding(
                .strayBytes, place,
                "\(gap.count) bytes at \(gap.lowerBound), \(side) the archive, belong to no member")
        }
    }

    private mutating func report(contradictionsIn archive: ZipSurvey, at place: String) {
        var seen: Set<String> = []
        for member in archive.members where member.isListed {
            if !seen.insert(member.name).inserted {
                finding(.contradiction, place, "the member \(member.name) is listed twice")
            }
            if let local = member.localName, local != member.name {
                finding(.contradiction, place, "the member \(member.name) calls itself \(local)")
            }
            if member.data == nil, !member.name.hasSuffix("/") {
                finding(.contradiction, place, "the member \(member.name) is not where the directory says")
            }
            if member.isEncrypted {
                finding(.unread, place, "the member \(member.name) is encrypted")
                problem("the member \(member.name) is encrypted")
            }
        }
        for member in archive.members where !member.isListed {
            finding(
                .hiddenMember, place,
                "the member \(member.name) at byte \(member.range.lowerBound) is not in the directory")
        }
        for member in archive.overlapping {
            finding(.contradiction, place, "the member \(member.name) lies over another")
        }
    }

    private mutating func visit(membersOf archive: ZipSurvey, at place: String) throws {
        let names = archive.members.map(\.name)
        let root = names.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
            .min { $0.utf8.count < $1.utf8.count }.map { String($0.dropLast("data.pkl".count)) }
        var storages: [String: Set<String>] = [:]
        var later: [ZipSurvey.Member] = []
        for member in archive.members where !member.name.hasSuffix("/") && !member.isEncrypted {
            guard Self.pickleEndings.contains(where: { member.name.hasSuffix($0) }) else {
                later.append(member)
                continue
            }
            let scan = attempt(member.name) { scan in
                try scan.contents(of: member, at: place).flatMap { bytes in
                    try scan.visitPickles(bytes, named: place + member.name, isExpected: true)
                }
            }
            guard let scan = scan ?? nil else { continue }
            if let root, member.name.hasPrefix(root) {
                let folder =
                    member.name == root + "data.pkl"
                    ? "data/" : member.name == root + "constants.pkl" ? "constants/" : nil
                // What a pickle that breaks off would have used is not known.
                if let folder, scan.stop == nil {
                    storages[root + folder, default: []].formUnion(scan.storageKeys)
                }
            }
        }
        for member in later {
            attempt(member.name) { try $0.visit(member, at: place, root: root, storages: storages) }
        }
        try report(codeIn: archive, at: place, root: root)
    }

    /// A member that need not be a pickle, and may be one.
    private mutating func visit(
        _ member: ZipSurvey.Member, at place: String, root: String?, storages: [String: Set<String>]
    ) throws {
        var isLoose = root != nil
        if let root {
            let folder = storages.keys.first { member.name.hasPrefix($0) }
            let isUsed =
                folder.map { storages[$0]?.contains(String(member.name.dropFirst($0.count))) ?? false }
                ?? false
            if isUsed { return try visitIfMarked(member, at: place) }
            isLoose = !Self.isCustomary(member.name, root: root)
            let isUnknown =
                folder == nil && [root + "data/", root + "constants/"].contains { member.name.hasPrefix($0) }
            if isLoose, !isUnknown {
                let what =
                    folder == nil ? "has no part in the checkpoint" : "is a storage that no tensor uses"
                finding(.hiddenMember, place, "the member \(member.name), \(member.size) bytes, \(what)")
            }
        }
        if member.name.hasSuffix("config.json"), place.isEmpty || !member.name.contains("/"),
            let bytes = try contents(of: member, at: place)
        {
            try visitKeras(bytes, named: place + member.name)
            return
        }
        try visitIfMarked(member, at: place, isLoose: isLoose)
    }

    /// What PyTorch itself puts beside the pickle and the storages.
    private static func isCustomary(_ name: String, root: String) -> Bool {
        guard name.hasPrefix(root) else { return false }
        let rest = name.dropFirst(root.count)
        return ["version", "byteorder", ".format_version", ".storage_alignment"].contains(rest)
            || ["code/", ".data/", "extra/", "traced_inputs/"].contains { rest.hasPrefix($0) }
    }

    /// Looks into a member when its first bytes are those of a pickle, an array or an archive.
    private mutating func visitIfMarked(_ member: ZipSurvey.Member, at place: String, isLoose: Bool = false)
        throws
    {
        guard let data = member.data, data.count > 1 else { return }
        var start = try data.slice(0, min(16, data.count)).array()
        if member.method == 8 {
            start = try Inflate.readable(data.slice(0, min(data.count, 4096)), limit: 16).bytes.array()
        }
        let isPickle = start.starts(with: [0x80]) && start.count > 1 && start[1] <= 5
        let isArray = start.starts(with: NpyHeader.magic)
        let isArchive = start.starts(with: [0x50, 0x4B, 3, 4])
        let isText = isLoose && data.count <= 1 << 20 && start.first.map { $0 < 0x7F } ?? false
        guard isPickle || isArray || isArchive || isText else { return }
        if isArray {
            // Of an array only the header is looked at, unless its elements are pickled.
            let limit = NpyHeader.end(ofStart: start).map { min($0, 1 << 20) } ?? 1 << 20
            guard let bytes = try contents(of: member, at: place, limit: limit) else { return }
            return try visitArray(bytes, named: place + member.name, whole: member)
        }
        guard let bytes = try contents(of: member, at: place) else { return }
        if isArchive {
            finding(.polyglot, place, "the member \(member.name) is an archive itself")
            try visit(bytes, named: place + member.name + "/")
        } else {
            try visitPickles(bytes, named: place + member.name)
        }
    }

    /// An array of Python objects is a pickle behind the header.
    mutating func visitArray(_ region: ByteRegion, named name: String, whole member: ZipSurvey.Member? = nil)
        throws
    {
        var reader = ByteReader(region)
        try reader.skip(6)
        let version = try reader.byte()
        let place = name.isEmpty ? "" : name + ": "
        guard (1...3).contains(version) else {
            return problem("\(place)an .npy header of version \(version)")
        }
        try reader.skip(1)
        let length =
            version == 1 ? Int(try reader.integer(UInt16.self)) : Int(try reader.integer(UInt32.self))
        guard length <= min(reader.remaining, 1 << 20) else {
            return problem("\(place)the .npy header is cut short")
        }
        spend(length)
        let header = String(decoding: try reader.bytes(length), as: UTF8.self)
        // A type of objects is 'O' or '|O', also as a field of a record.
        guard ["'O'", "'|O'", "\"O\"", "\"|O\"", "O8'", "O4'"].contains(where: { header.contains($0) }) else {
            return
        }
        let data = reader.position
        var elements = region
        if let member, let all = try contents(of: member, at: "") { elements = all }
        try visitPickles(try elements.slice(data, elements.count - data), named: name, isExpected: true)
    }

    private mutating func report(codeIn archive: ZipSurvey, at place: String, root: String?) throws {
        // torch.package imports the source that an archive brings along.
        let isPackage = archive.members.contains { $0.name.hasSuffix(".data/extern_modules") }
        let sources = archive.members.filter { $0.name.hasSuffix(".py") }
        let scripts = sources.filter { member in root.map { member.name.hasPrefix($0 + "code/") } ?? false }
        if !isPackage, !scripts.isEmpty {
            finding(
                .code, place,
                "\(scripts.count) members of code/ are run by TorchScript's interpreter, which knows tensors but not Python"
            )
        }
        if sources.count > scripts.count {
            finding(
                .code, place,
                "\(sources.count - scripts.count) members are Python source"
                    + (isPackage ? ", which loading the package would run" : ""),
                verdict: isPackage ? .dangerous : .foreign)
        }
    }

    /// The member's bytes, inflated where they are deflated.
    private mutating func contents(
        of member: ZipSurvey.Member, at place: String, limit: Int = largestInflated
    ) throws -> ByteRegion? {
        guard let data = member.data, isAllowed(place + member.name) else { return nil }
        switch member.method {
        case 0: return data
        case 8:
            // The other half is for walking over it: what Python would run first is looked at in any case.
            let room = min(limit, allowance / 2 + 1)
            let (bytes, isWhole) = try Inflate.readable(data, limit: room)
            spend(bytes.count)
            if !isWhole, bytes.count == room, room < limit {
                unfolds(place + member.name)
            } else if !isWhole, limit == Self.largestInflated {
                problem("\(member.name) cannot be inflated beyond \(bytes.count) bytes")
            }
            return bytes
        default:
            finding(.unread, place, "the member \(member.name) is compressed by method \(member.method)")
            problem("the member \(member.name) is compressed by method \(member.method), which is not read")
            return nil
        }
    }

    /// Members of an archive whose directory is missing, one after another.
    mutating func visitOrphans(_ region: ByteRegion) throws {
        var reader = ByteReader(region)
        while reader.remaining > 30 {
            guard try reader.integer(UInt32.self) == 0x0403_4B50 else { return }
            try reader.skip(4)
            let method = try reader.integer(UInt16.self)
            try reader.skip(8)
            let compressed = Int(try reader.integer(UInt32.self))
            _ = try reader.integer(UInt32.self)
            let nameLength = Int(try reader.integer(UInt16.self))
            let extraLength = Int(try reader.integer(UInt16.self))
            guard nameLength + extraLength <= reader.remaining else { return }
            let name = String(decoding: try reader.bytes(nameLength), as: UTF8.self)
            try reader.skip(extraLength)
            if name.hasSuffix(".pkl"), method == 0 {
                let rest = try region.slice(reader.position, reader.remaining)
                try visitPickles(rest, named: name)
            }
            // PyTorch leaves the sizes of local headers zero: where the next member begins is not known.
            guard compressed > 0, compressed <= reader.remaining else { return }
            try reader.skip(compressed)
        }
    }
}
