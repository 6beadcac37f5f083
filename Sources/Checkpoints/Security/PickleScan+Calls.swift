/// What is named, and what is called with what.
extension PickleScan {
    // MARK: Globals

    mutating func line() throws -> String { String(decoding: try reader.line(), as: UTF8.self) }

    mutating func name(_ module: String, _ name: String) -> PickleSymbol {
        symbol(of: PickleGlobal(module: module, name: name), isNamed: true)
    }

    /// A name that is put together by what is called is known to nobody who does not call it.
    mutating func computedName(_ module: String, _ name: String) -> PickleSymbol {
        symbol(
            of: PickleGlobal(module: module, name: name), isNamed: true,
            as: (.dangerous, "a name that the pickle computes"))
    }

    mutating func symbol(
        of global: PickleGlobal, isNamed: Bool, as judgement: GlobalJudge.Judgement? = nil
    ) -> PickleSymbol {
        let row: Int
        // A name that has no end, or is put together from such, is one row however often it grows.
        let isLong = GlobalJudge.isTooLong(global)
        let global = isLong ? global.shortened : global
        if let known = rows[global] {
            row = known
            if isNamed { globals[row].count += 1 }
        } else {
            let judgement = judgement ?? (isLong ? GlobalJudge.tooLong : GlobalJudge.judge(global))
            let share = judgement.verdict == .dangerous ? 2 : 1
            guard globals.count < share * Self.mostGlobals, namesSize < share * Self.largestNames else {
                isFull = true
                return PickleSymbol("?", verdict: judgement.verdict, held: judgement.verdict)
            }
            row = globals.count
            rows[global] = row
            let words = EscapedText.plain(PickleSymbol.cut(global.description, closing: ""))
            namesSize += words.utf8.count
            globals.append(
                Global(global: global, words: words, judgement: judgement, count: isNamed ? 1 : 0))
            if global.name == "getattr", ["builtins", "__builtin__"].contains(global.module) {
                fetchers[row] = (0, false)
            }
        }
        let verdict = globals[row].judgement.verdict
        return PickleSymbol(globals[row].words, .global(row), verdict: verdict, held: verdict)
    }

    // MARK: Calls

    mutating func noteMisuse(_ values: [PickleSymbol]) {
        guard !fetchers.isEmpty else { return }
        for value in values {
            if case .global(let row) = value.kind { fetchers[row]?.isMisused = true }
        }
    }

    mutating func call(
        _ callee: PickleSymbol, _ arguments: PickleSymbol, _ opcode: String, at offset: Int
    ) {
        if let fetched = fetch(callee, arguments, opcode) {
            push(fetched)
            return
        }
        let text = PickleSymbol.cut(callee.text + arguments.arguments, closing: ")")
        let verdict = max(callee.verdict, arguments.held)
        record(text, verdict, opcode, offset)
        push(PickleSymbol(text, .object(callee.text), verdict: verdict))
    }

    /// `getattr(Class, "name")`, which is how Python writes methods and nested classes up to protocol 3: the attribute
    /// is judged as if it were named at once.
    mutating func fetch(_ callee: PickleSymbol, _ arguments: PickleSymbol, _ opcode: String)
        -> PickleSymbol?
    {
        guard case .global(let row) = callee.kind, let use = fetchers[row] else { return nil }
        guard opcode != "NEWOBJ", opcode != "NEWOBJ_EX", case .tuple(let values) = arguments.kind,
            values.count == 2,
            case .global(let owner) = values[0].kind, case .text(let attribute) = values[1].kind
        else {
            fetchers[row]?.isMisused = true
            return nil
        }
        let global = globals[owner].global
        let fetched = symbol(
            of: PickleGlobal(module: global.module, name: global.name + "." + attribute), isNamed: false)
        guard fetched.verdict != .dangerous, globals[owner].judgement.verdict != .dangerous else {
            fetchers[row]?.isMisused = true
            return nil
        }
        fetchers[row] = (use.harmless + 1, use.isMisused)
        return fetched
    }

    mutating func build(_ state: PickleSymbol, at offset: Int) {
        guard let object = stack.last, stack.count > (marks.last ?? 0) else { return }
        noteMisuse([state])
        let name = if case .object(let name) = object.kind { name } else { object.text }
        let verdict = max(object.verdict, state.held)
        if case .object = object.kind {} else if state.held == .known { return }
        record(
            PickleSymbol.cut(name + ".__setstate__(" + state.text + ")", closing: ")"), verdict, "BUILD",
            offset)
        changeTop { $0.held = max($0.held, state.held) }
    }

    mutating func record(_ text: String, _ verdict: SecurityVerdict, _ opcode: String, _ offset: Int) {
        guard verdict > .known else { return }
        if verdict == .foreign, calls.count >= SecurityReport.mostCalls {
            callsLeftOut += 1
        } else if calls.count >= 2 * SecurityReport.mostCalls {
            callsLeftOut += 1
        } else {
            calls.append(Call(text: text, verdict: verdict, opcode: opcode, offset: offset))
        }
    }
}

extension PickleGlobal {
    /// As much of a name that is too long as tells it from others.
    var shortened: PickleGlobal {
        guard GlobalJudge.isTooLong(self) else { return self }
        func cut(_ text: String) -> String {
            let longest = GlobalJudge.longestName / 4
            return text.utf8.count > longest ? String(text.unicodeScalars.prefix(longest)) + "…" : text
        }
        return PickleGlobal(module: cut(module), name: cut(name))
    }
}
