import TensorCore

/// Looks through a file, whatever it is, for what would run code when it is loaded in Python.
///
/// Nothing is taken for granted: a file is looked at as every kind that it could be, and what no reader would read is
/// looked at, too. Weights are never read.
struct SecurityScan {
    private(set) var report = SecurityReport()
    private var rows: [PickleGlobal: Int] = [:]
    private var counts: [SecurityVerdict: Int] = [:]
    /// What stands before every name: the file, where there are several.
    var label = ""
    /// How deep archives within archives are looked into.
    var depth = 0

    private static let deepest = 3
    /// The bytes that are still looked at: of pickles, headers and descriptions, of what is inflated, of the ends where
    /// directories are sought, and a few hundred for each member. Members may lie over one another and be packed as
    /// tightly as one likes; what is spent on a file is bounded by its size nonetheless.
    private(set) var allowance = 1 << 20
    private static let timesOver = 8
    private var namesSize = 0

    /// Looks through the bytes; `name` is what they are called in the report, empty for the file itself.
    mutating func visit(_ region: ByteRegion, named name: String = "") throws {
        if depth == 0 {
            allowance += Self.timesOver * min(region.count, 1 << 48)
        } else {
            allowance -= min(region.count, ZipSurvey.longestEnd)
        }
        guard isAllowed(name) else { return }
        guard depth <= Self.deepest else {
            finding(
                .unread, name, "archives within archives more than \(Self.deepest) deep are not looked into")
            problem("archives within archives are not looked into")
            return
        }
        depth += 1
        defer { depth -= 1 }
        let probe = try Probe(region)
        let archives = ZipSurvey.all(in: region)
        if let archive = archives.last {
            try visit(archives, in: region, named: name)
            if archive.start > 0 || !probe.starts(with: "PK") { try visitHead(probe, named: name) }
        } else if try !visitContainer(probe, named: name) {
            if !name.isEmpty { return }
            problem(
                probe.starts(with: "PK\u{3}\u{4}")
                    ? "the zip archive has no directory" : Refusal.reason(probe).detail)
            if probe.starts(with: "PK\u{3}\u{4}") { try visitOrphans(region) }
        }
    }

    /// What stands before an archive.
    private mutating func visitHead(_ probe: Probe, named name: String) throws {
        if try visitContainer(probe, named: name, isBeforeArchive: true) {
            finding(
                .polyglot, name,
                "begins as another kind of file and ends as a zip archive: which of the two is read depends on the reader"
            )
        }
    }

    /// - Returns: whether the bytes are a kind of file that is known.
    private mutating func visitContainer(_ probe: Probe, named name: String, isBeforeArchive: Bool = false)
        throws -> Bool
    {
        let region = probe.region
        if TorchLegacy.matches(probe) {
            try visitLegacy(region, named: name, isAlone: !isBeforeArchive)
            return true
        }
        if probe.starts(with: NpyHeader.magic) {
            try visitArray(region, named: name)
            return true
        }
        if region.count >= 512, let members = TorchTar.survey(region), !members.isEmpty {
            try visitTar(members, named: name)
            return true
        }
        if name.isEmpty || isBeforeArchive {
            if let offset = try HDF5Superblock.offset(in: region) {
                if offset > 0 { finding(.strayBytes, name, "\(offset) bytes before the HDF5 signature") }
                return true
            }
            if SafetensorsReader.matches(probe) || !isBeforeArchive && MessagePackProbe.matches(region) {
                return true
            }
        }
        return try visitPickles(region, named: name) != nil
    }

    /// Whether there is something left of what may be spent; if not, that is the problem with the file.
    mutating func isAllowed(_ name: String) -> Bool {
        if allowance > 0 { return true }
        unfolds(name)
        return false
    }

    mutating func unfolds(_ name: String) {
        problem(
            "\(Self.shown(name)) and what follows: the file unfolds to more than \(Self.timesOver) times its size"
        )
    }

    mutating func spend(_ bytes: Int) { allowance -= bytes }

    // MARK: Pickles

    /// Pickles one after another, as long as there are any.
    ///
    /// - Returns: the first of them; nil when there is none.
    @discardableResult
    mutating func visitPickles(_ region: ByteRegion, named name: String, isExpected: Bool = false) throws
        -> PickleScan?
    {
        let name = Self.shown(name)
        var reader = ByteReader(region)
        var count = 0
        var first: PickleScan?
        while !reader.isAtEnd, isAllowed(name) {
            let start = reader.position
            let scan = PickleScan(reader)
            guard scan.isPickle || isExpected && count == 0 else {
                spend(scan.end - scan.start)
                break
            }
            count += 1
            if first == nil { first = scan }
            take(scan, named: count == 1 ? name : "\(name)#\(count)", at: region.start + start)
            guard scan.stop == nil else { return first }
            // With what it has read ahead.
            reader = scan.reader
        }
        if count > 0, !reader.isAtEnd, name.isEmpty || isExpected {
            finding(.strayBytes, name, "\(reader.remaining) bytes follow the last pickle")
        }
        return first
    }

    /// A name of a file's making, short enough for a line.
    static func shown(_ name: String) -> String { PickleSymbol.cut(name, closing: "") }

    /// Takes what a walk found into the report.
    mutating func take(_ scan: PickleScan, named name: String, at offset: Int) {
        let name = EscapedText.plain(
            label + (name.isEmpty ? "pickle" : name.hasPrefix("#") ? "pickle " + name.dropFirst() : name))
        spend(scan.end - scan.start)
        report.opcodes += scan.opcodes
        if report.pickles.count < SecurityReport.mostPickles {
            report.pickles.append(.init(name: name, offset: offset, opcodes: scan.opcodes, stop: scan.stop))
        } else {
            report.picklesLeftOut += 1
        }
        if let stop = scan.stop { problem("\(name): \(stop)") }
        if scan.isFull { problem("\(name): holds more than is followed") }
        for found in scan.globals where found.count > 0 {
            note(found.global, found.judgement, count: found.count)
        }
        report.callsLeftOut += scan.callsLeftOut
        for call in scan.calls {
            record(
                .init(
                    text: call.text, verdict: call.verdict, opcode: call.opcode, pickle: name,
                    offset: call.offset))
        }
    }

    mutating func note(_ global: PickleGlobal, _ judgement: GlobalJudge.Judgement, count: Int) {
        if let row = rows[global] {
            report.globals[row].count += count
            if judgement.verdict > report.globals[row].verdict {
                (report.globals[row].verdict, report.globals[row].reason) = judgement
            }
            return
        }
        // As many as of one pickle, whatever else there is; what is dangerous has room left by the others.
        let share = judgement.verdict == .dangerous ? 2 : 1
        guard rows.count < share * PickleScan.mostGlobals, namesSize < share * PickleScan.largestNames else {
            problem("more names than are listed")
            return
        }
        namesSize += global.module.utf8.count + global.name.utf8.count
        rows[global] = report.globals.count
        report.globals.append(
            .init(
                module: global.module, name: global.name, verdict: judgement.verdict,
                reason: judgement.reason,
                count: count))
    }

    mutating func record(_ call: SecurityReport.Call) {
        guard counts[call.verdict, default: 0] < SecurityReport.mostCalls else {
            report.callsLeftOut += 1
            return
        }
        counts[call.verdict, default: 0] += 1
        report.calls.append(call)
    }

    // MARK: Findings

    mutating func finding(
        _ kind: SecurityReport.Finding.Kind, _ name: String, _ text: String,
        verdict: SecurityVerdict = .foreign
    ) {
        guard report.findings.count < Self.mostFindings else { return }
        let place = Self.shown(name)
        report.findings.append(
            .init(kind, label + (name.isEmpty ? text : "\(place): \(text)"), verdict: verdict))
    }

    private static let mostFindings = 1000

    /// Looks at a part of the file; what cannot be read of it does not keep the rest from being looked at.
    @discardableResult
    mutating func attempt<Result>(_ name: String, _ look: (inout SecurityScan) throws -> Result) -> Result? {
        do {
            return try look(&self)
        } catch {
            problem("\(name): \(CheckpointError(error).description)")
            return nil
        }
    }

    /// The first reason why something could not be looked through.
    mutating func problem(_ text: String) {
        if report.problem == nil { report.problem = EscapedText.plain(label + text) }
    }

    /// The report, what is dangerous first.
    func finished() -> SecurityReport {
        var report = report
        let order: [SecurityVerdict] = [.dangerous, .foreign, .known]
        report.globals = order.flatMap { verdict in report.globals.filter { $0.verdict == verdict } }
        report.calls = order.flatMap { verdict in report.calls.filter { $0.verdict == verdict } }
        return report
    }
}
