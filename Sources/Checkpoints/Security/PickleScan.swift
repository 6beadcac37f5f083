import TensorCore

/// Walks over the opcodes of one pickle and notes what Python would import and call, doing none of it.
///
/// It follows what the ``PickleMachine`` refuses, too: an empty stack or memo gives an unknown value, and whatever
/// Python would have run before the first opcode that cannot be read is in the result. The walk is linear, and keeps
/// a bounded number of values with a bounded number of words each.
struct PickleScan {
    struct Global {
        let global: PickleGlobal
        /// The name, fit to be shown, and cut short.
        let words: String
        var judgement: GlobalJudge.Judgement
        var count: Int
    }

    struct Call {
        let text: String
        let verdict: SecurityVerdict
        let opcode: String
        let offset: Int
    }

    /// In order of first appearance.
    var globals: [Global] = []
    var calls: [Call] = []
    var callsLeftOut = 0
    private(set) var opcodes = 0
    /// The protocol that PROTO states.
    private(set) var version: Int?
    /// Why the walk ended before STOP.
    private(set) var stop: String?
    /// The keys of PyTorch's storages that persistent ids name.
    private(set) var storageKeys: Set<String> = []
    /// Whether there was more than is kept, so that some of what follows from it is missing.
    var isFull = false

    /// Where the reader stood.
    let start: Int
    var reader: ByteReader
    var stack: [PickleSymbol] = []
    var marks: [Int] = []
    var memo: [Int: PickleSymbol] = [:]
    /// The places in the memo that were put to, a bit each in words of 64, and how many they are.
    var taken: [Int: UInt64] = [:]
    var memoCount = 0
    var rows: [PickleGlobal: Int] = [:]
    /// UTF-8 bytes of the names in `globals`.
    var namesSize = 0
    /// `getattr`, and whether something else was done with it than fetch harmless attributes of a class.
    var fetchers: [Int: (harmless: Int, isMisused: Bool)] = [:]

    static let mostValues = 50_000
    static let largestMemo = 1 << 25
    /// Of names that are dangerous twice as many are kept, so that no others crowd them out.
    static let mostGlobals = 20_000
    static let largestNames = 4 << 20

    /// Walks over the pickle that begins where `reader` stands.
    init(_ reader: ByteReader) {
        self.reader = reader
        start = reader.position
        run()
        for (row, use) in fetchers where use.harmless > 0 && !use.isMisused {
            globals[row].judgement = (
                .foreign, "fetches attributes of classes only, which are judged by name"
            )
        }
        (stack, marks, memo, taken) = ([], [], [:], [:])
    }

    /// Where the reader stands behind STOP.
    var end: Int { reader.position }

    /// Whether this was a pickle, and not other bytes that happen to begin like one.
    var isPickle: Bool {
        if stop == nil { return version != nil || opcodes > 1 }
        return version != nil && opcodes > 8 || globals.contains { GlobalJudge.isName($0.global) }
    }

    mutating func run() {
        while stop == nil {
            let start = reader.position
            do {
                guard let byte = reader.isAtEnd ? nil : try reader.byte() else {
                    stop = "ends without STOP at byte \(start)"
                    return
                }
                guard let opcode = PickleOpcode(rawValue: byte) else {
                    stop = "0x\(String(byte, radix: 16)) at byte \(start) is no pickle opcode"
                    return
                }
                opcodes += 1
                if opcode == .stop { return }
                try execute(opcode, at: start)
            } catch {
                stop = "cannot be followed from byte \(start) on: \(error)"
            }
        }
    }

    // MARK: Stack and memo

    mutating func push(_ symbol: PickleSymbol) {
        guard stack.count < Self.mostValues else {
            isFull = true
            return
        }
        stack.append(symbol)
    }

    mutating func pop() -> PickleSymbol {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else { return .unknown }
        return value
    }

    mutating func pop(_ count: Int) -> [PickleSymbol] {
        var values: [PickleSymbol] = []
        for _ in 0..<count { values.append(pop()) }
        return values.reversed()
    }

    mutating func popToMark() -> [PickleSymbol] {
        let mark = min(marks.popLast() ?? 0, stack.count)
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    mutating func changeTop(_ change: (inout PickleSymbol) -> Void) {
        guard stack.count > (marks.last ?? 0) else { return }
        change(&stack[stack.count - 1])
    }

    /// Python counts its memo to find where MEMOIZE puts the next value, so this has to know of each place whether it
    /// was taken, also of those whose values are not worth keeping.
    mutating func memoize(at index: Int?) {
        let index = index ?? memoCount
        let (word, bit) = (index / 64, UInt64(1) << UInt64(index & 63))
        guard index >= 0, index < Self.largestMemo else {
            isFull = true
            return
        }
        if taken[word, default: 0] & bit == 0 {
            taken[word, default: 0] |= bit
            memoCount += 1
        }
        let value = stack.last ?? .unknown
        guard value.isWorthKeeping else {
            memo[index] = nil
            return
        }
        if memo[index] != nil || memo.count < Self.mostValues { memo[index] = value } else { isFull = true }
    }

    mutating func recall(_ index: Int?) {
        guard let index, index >= 0, taken[index / 64, default: 0] >> UInt64(index & 63) & 1 == 1 else {
            push(.unknown)
            return
        }
        push(memo[index] ?? PickleSymbol("…"))
    }

    // MARK: Opcodes

    mutating func execute(_ opcode: PickleOpcode, at start: Int) throws {
        switch opcode {
        case .stop: break
        case .proto: version = Int(try reader.byte())
        case .frame: try reader.skip(8)
        case .mark: if marks.count < Self.mostValues { marks.append(stack.count) } else { isFull = true }
        case .pop: if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = pop() }
        case .popMark: _ = popToMark()
        case .dup: push(stack.last ?? .unknown)

        case .put: memoize(at: memoIndex(try reader.line()))
        case .binPut: memoize(at: Int(try reader.byte()))
        case .longBinPut: memoize(at: Int(try reader.integer(UInt32.self)))
        case .memoize: memoize(at: nil)
        case .get: recall(memoIndex(try reader.line()))
        case .binGet: recall(Int(try reader.byte()))
        case .longBinGet: recall(Int(try reader.integer(UInt32.self)))

        case .none, .newTrue, .newFalse, .int, .binInt, .binInt1, .binInt2, .long, .long1, .long4, .float,
            .binFloat,
            .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode, .binUnicode8,
            .binBytes,
            .shortBinBytes, .binBytes8, .byteArray8:
            push(try literal(opcode))
        case .nextBuffer: push(PickleSymbol("<buffer>"))
        case .readOnlyBuffer: break

        case .emptyTuple: pushTuple([])
        case .tuple1: pushTuple(pop(1))
        case .tuple2: pushTuple(pop(2))
        case .tuple3: pushTuple(pop(3))
        case .tuple: pushTuple(popToMark())
        case .emptyList: push(PickleSymbol("[]"))
        case .emptyDict, .emptySet: push(PickleSymbol("{}"))
        case .list: pushCollection("[]", popToMark())
        case .frozenSet: pushCollection("{}", popToMark())
        case .dict: pushCollection("{}", popToMark(), isItems: true)
        case .append: absorb(pop(1))
        case .appends, .addItems: absorb(popToMark())
        case .setItem: absorb(pop(2), isItems: true)
        case .setItems: absorb(popToMark(), isItems: true)

        case .global: push(name(try line(), try line()))
        case .stackGlobal:
            let names = pop(2)
            guard case .text(let module) = names[0].kind, case .text(let name) = names[1].kind else {
                push(computedName(names[0].text, names[1].text))
                return
            }
            push(self.name(module, name))
        case .ext1: push(name("copyreg", "extension \(try reader.byte())"))
        case .ext2: push(name("copyreg", "extension \(try reader.integer(UInt16.self))"))
        case .ext4: push(name("copyreg", "extension \(try reader.integer(UInt32.self))"))

        case .reduce:
            let parts = pop(2)
            call(parts[0], parts[1], "REDUCE", at: start)
        case .newObj:
            let parts = pop(2)
            call(parts[0], parts[1], "NEWOBJ", at: start)
        case .newObjEx:
            let parts = pop(3)
            var arguments = parts[1]
            arguments.held = max(arguments.held, parts[2].held)
            if parts[2].text != "{}" {
                arguments.text = arguments.text.dropLast() + ", **" + parts[2].text + ")"
            }
            call(parts[0], arguments, "NEWOBJ_EX", at: start)
        case .inst:
            let callee = name(try line(), try line())
            call(callee, tuple(popToMark()), "INST", at: start)
        case .obj:
            let parts = popToMark()
            call(parts.first ?? .unknown, tuple(Array(parts.dropFirst())), "OBJ", at: start)
        case .build: build(pop(), at: start)

        case .persID:
            push(PickleSymbol("<persistent " + PickleSymbol(literal: try line(), isWhole: true).text + ">"))
        case .binPersID: push(persistent(pop()))
        }
    }

    mutating func absorb(_ values: [PickleSymbol], isItems: Bool = false) {
        noteMisuse(values)
        changeTop { $0.absorb(values, isItems: isItems) }
    }

    mutating func pushCollection(_ empty: String, _ values: [PickleSymbol], isItems: Bool = false) {
        push(PickleSymbol(empty))
        absorb(values, isItems: isItems)
    }

    mutating func tuple(_ values: [PickleSymbol]) -> PickleSymbol {
        noteMisuse(values)
        return PickleSymbol(tuple: values)
    }

    mutating func pushTuple(_ values: [PickleSymbol]) { push(tuple(values)) }

    /// PyTorch's `('storage', class, key, location, numel)`.
    mutating func persistent(_ id: PickleSymbol) -> PickleSymbol {
        if case .tuple(let fields) = id.kind, fields.count >= 3, case .text("storage") = fields[0].kind {
            let key = if case .text(let key) = fields[2].kind { key } else { fields[2].text }
            if storageKeys.count < Self.mostValues { storageKeys.insert(key) } else { isFull = true }
        }
        // Old files name the classes of modules by persistent ids, which stand for the class.
        if case .tuple(let fields) = id.kind,
            let named = fields.first(where: { if case .global = $0.kind { true } else { false } }),
            case .text("module") = fields[0].kind
        {
            return named
        }
        return PickleSymbol("<persistent " + id.text + ">", held: id.held)
    }
}
