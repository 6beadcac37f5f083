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
    /// More archives and arrays within one another than any checkpoint has.
    private var budget = 100_000

    /// Looks through the bytes; `name` is what they are called in the report, empty for the file itself.
    mutating func visit(_ region: ByteRegion, named name: String = "") throws {
        budget -= 1
        guard budget > 0, depth <= Self.deepest else {
            report.findings.append(
                .init(
                    .unread,
                    "\(name): archives within archives more than \(Self.deepest) deep are not looked into"))
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
        return try visitPickles(region, named: name) > 0
    }

    // MARK: Pickles

    /// Pickles one after another, as long as there are any.
    ///
    /// - Returns: how many.
    @discardableResult
    mutating func visitPickles(_ region: ByteRegion, named name: String, isExpected: Bool = false) throws
        -> Int
    {
        var reader = ByteReader(region)
        var count = 0
        while !reader.isAtEnd {
            let start = reader.position
            let scan = PickleScan(reader)
            guard scan.isPickle || isExpected && count == 0 else { break }
            count += 1
            take(scan, named: count == 1 ? name : "\(name)#\(count)", at: region.start + start)
            guard scan.stop == nil else { return count }
            try reader.seek(to: scan.end)
        }
        if count > 0, !reader.isAtEnd, name.isEmpty || isExpected {
            finding(.strayBytes, name, "\(reader.remaining) bytes follow the last pickle")
        }
        return count
    }

    /// Takes what a walk found into the report.
    mutating func take(_ scan: PickleScan, named name: String, at offset: Int) {
        let name = EscapedText.plain(
            label + (name.isEmpty ? "pickle" : name.hasPrefix("#") ? "pickle " + name.dropFirst() : name))
        report.pickles.append(.init(name: name, offset: offset, opcodes: scan.opcodes, stop: scan.stop))
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
        guard report.findings.count < 1000 else { return }
        report.findings.append(
            .init(kind, label + (name.isEmpty ? text : "\(name): \(text)"), verdict: verdict))
    }

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
