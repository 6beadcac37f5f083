import TensorCore

/// Runs a pickle without running anything: a stack, a memo, and a graph of what the pickle describes.
///
/// Calls are recorded, never made; globals are named, never imported. What a call means is for the reader of
/// the graph to decide, by a closed list.
struct PickleMachine {
    var reader: ByteReader
    private var graph = PickleGraph()
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo = PickleMemo()
    private var knownGlobals: Set<PickleGlobal> = []
    /// What the graph takes in memory, about, without the stack and the memo.
    private var graphSize = 0
    private let start: Int

    private static let largestGraph = 32 << 20
    private static let deepestMarks = 1_000_000
    private static let longestGlobal = 2048

    /// Reads one pickle from where `reader` stands and leaves `reader` behind its STOP.
    ///
    /// - Throws: `CheckpointError` with the place of the opcode that cannot be followed.
    static func run(_ reader: inout ByteReader) throws -> PickleGraph {
        var machine = PickleMachine(reader: reader)
        let graph = try machine.run()
        reader = machine.reader
        return graph
    }

    private init(reader: ByteReader) {
        self.reader = reader
        start = reader.position
    }

    /// An opcode of one byte makes an object of dozens. Those of a tensor take about a kilobyte.
    private func checkMemory() throws {
        let size = graphSize + MemoryLayout<PickleValue>.stride * (stack.count + memo.count) + 8 * marks.count
        guard size <= Self.largestGraph else {
            throw CheckpointError(
                .unsupported,
                "\(reader.position - start) bytes of pickle describe more objects than are followed "
                    + "(\(Self.largestGraph >> 20) MiB of them)")
        }
    }

    private mutating func run() throws -> PickleGraph {
        while true {
            let start = reader.offset
            let byte: UInt8
            do {
                byte = try reader.byte()
            } catch {
                throw CheckpointError(.damaged, "the pickle ends without STOP", offset: start)
            }
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw CheckpointError(
                    .damaged, "0x\(String(byte, radix: 16)) is no pickle opcode", offset: start)
            }
            if opcode == .stop {
                graph.root = try pop()
                guard stack.isEmpty else {
                    throw failure("STOP with \(stack.count) values left on the stack")
                }
                return graph
            }
            do {
                try execute(opcode)
                try checkMemory()
            } catch let error as CheckpointError {
                throw error.offset == nil
                    ? CheckpointError(error.kind, "\(error.detail), opcode \(opcode)", offset: start) : error
            }
        }
    }

    func failure(_ detail: String) -> CheckpointError {
        CheckpointError(.damaged, "the pickle is damaged: \(detail)")
    }

    // MARK: Stack

    mutating func push(_ value: PickleValue) { stack.append(value) }

    mutating func push(_ node: PickleNode) {
        graph.nodes.append(node)
        graphSize += node.size
        stack.append(.node(graph.nodes.count - 1))
    }

    private mutating func pop() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
            throw failure("the stack is empty")
        }
        return value
    }

    private func top() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else {
            throw failure("the stack is empty")
        }
        return value
    }

    private mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw failure("no MARK") }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private mutating func pop(_ count: Int) throws -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw failure("the stack is empty") }
        let values = Array(stack[(stack.count - count)...])
        stack.removeLast(count)
        return values
    }

    // MARK: Opcodes

    private mutating func execute(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .stop: break
        case .proto:
            let version = try reader.byte()
            guard version <= 5 else { throw failure("protocol \(version); 0 to 5 are known") }
        case .frame: try reader.skip(8)

        case .mark:
            guard marks.count < Self.deepestMarks else { throw failure("nested too deeply") }
            marks.append(stack.count)
        case .pop:
            // A MARK on top counts as one item.
            if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()
        case .dup: push(try top())

        case .put: try memoize(at: try decimal())
        case .binPut: try memoize(at: Int(try reader.byte()))
        case .longBinPut: try memoize(at: Int(try reader.integer(UInt32.self)))
        case .memoize: try memoize(at: memo.count)
        case .get: try recall(try decimal())
        case .binGet: try recall(Int(try reader.byte()))
        case .longBinGet: try recall(Int(try reader.integer(UInt32.self)))

        case .none, .newTrue, .newFalse, .int, .binInt, .binInt1, .binInt2, .long, .long1, .long4, .float,
            .binFloat:
            push(try number(opcode))
        case .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode, .binUnicode8:
            try pushText(opcode)
        case .binBytes: push(.bytes(try reader.region(Int(try reader.integer(UInt32.self)))))
        case .shortBinBytes: push(.bytes(try reader.region(Int(try reader.byte()))))
        case .binBytes8, .byteArray8: push(.bytes(try reader.region(try reader.size())))
        case .nextBuffer, .readOnlyBuffer:
            throw CheckpointError(.unsupported, "the pickle refers to buffers kept outside of it")

        case .emptyTuple: push(.tuple([]))
        case .tuple1: push(.tuple(try pop(1)))
        case .tuple2: push(.tuple(try pop(2)))
        case .tuple3: push(.tuple(try pop(3)))
        case .tuple: push(.tuple(try popToMark()))
        case .emptyList: push(.list(PickleElements([])))
        case .list: push(.list(PickleElements(try popToMark())))
        case .append: try append([try pop()])
        case .appends: try append(try popToMark())
        case .emptySet: push(.set(PickleElements([])))
        case .frozenSet: push(.set(PickleElements(try popToMark())))
        case .addItems: try append(try popToMark())
        case .emptyDict: push(.dictionary(PickleElements([])))
        case .dict: push(.dictionary(PickleElements(try items(try popToMark()))))
        case .setItem: try set(try items(try pop(2)))
        case .setItems: try set(try items(try popToMark()))

        case .global: try pushGlobal(module: try textLine(), name: try textLine())
        case .stackGlobal:
            let names = try pop(2)
            guard let module = names[0].text, let name = names[1].text else {
                throw failure("a global whose name is no text")
            }
            try pushGlobal(module: module, name: name)
        case .ext1, .ext2, .ext4:
            throw CheckpointError(.unsupported, "the pickle uses copyreg's extension registry")

        case .reduce:
            let parts = try pop(2)
            push(instance(parts[0], parts[1], isNew: false))
        case .newObj:
            let parts = try pop(2)
            push(instance(parts[0], parts[1], isNew: true))
        case .newObjEx:
            let parts = try pop(3)
            push(instance(parts[0], parts[1], keywords: parts[2], isNew: true))
        case .inst:
            let (module, name) = (try textLine(), try textLine())
            let arguments = try popToMark()
            try pushGlobal(module: module, name: name)
            let callable = try pop()
            push(.tuple(arguments))
            push(instance(callable, try pop(), isNew: false))
        case .obj:
            let parts = try popToMark()
            guard let callable = parts.first else { throw failure("OBJ without a class") }
            push(.tuple(Array(parts.dropFirst())))
            push(instance(callable, try pop(), isNew: false))
        case .build: try build(state: try pop())

        case .persID: push(.persistent(.text(try textLine())))
        case .binPersID: push(.persistent(try pop()))
        }
    }

    private func instance(
        _ callable: PickleValue, _ arguments: PickleValue, keywords: PickleValue = .none, isNew: Bool
    ) -> PickleNode {
        .instance(PickleInstance(callable: callable, arguments: arguments, keywords: keywords, isNew: isNew))
    }

    private mutating func memoize(at index: Int) throws { memo.put(try top(), at: index) }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw failure("nothing stands in the memo at \(index)") }
        push(value)
    }

    private mutating func pushGlobal(module: String, name: String) throws {
        let global = PickleGlobal(module: module, name: name)
        // A text that is referred to, and not repeated, would be gone through each time.
        guard module.utf8.count + name.utf8.count < Self.longestGlobal else {
            throw failure("a global's name of \(module.utf8.count + 1 + name.utf8.count) bytes")
        }
        if knownGlobals.insert(global).inserted { graph.globals.append(global) }
        push(.global(global))
    }

    // MARK: Changing what stands on top

    private func items(_ values: [PickleValue]) throws -> [PickleItem] {
        guard values.count.isMultiple(of: 2) else { throw failure("a key without a value") }
        return stride(from: 0, to: values.count, by: 2).map {
            PickleItem(key: values[$0], value: values[$0 + 1])
        }
    }

    private mutating func append(_ values: [PickleValue]) throws {
        guard case .node(let index) = try top() else { throw failure("APPEND to something that is no list") }
        graphSize += values.count * MemoryLayout<PickleValue>.stride
        switch graph.nodes[index] {
        case .list(let list), .set(let list): list.all.append(contentsOf: values)
        case .instance(let instance): instance.elements.append(contentsOf: values)
        default: throw failure("APPEND to something that is no list")
        }
    }

    private mutating func set(_ items: [PickleItem]) throws {
        guard case .node(let index) = try top() else {
            throw failure("SETITEM in something that is no dictionary")
        }
        graphSize += items.count * MemoryLayout<PickleItem>.stride
        switch graph.nodes[index] {
        case .dictionary(let dictionary): dictionary.all.append(contentsOf: items)
        case .instance(let instance): instance.items.append(contentsOf: items)
        default: throw failure("SETITEM in something that is no dictionary")
        }
    }

    private mutating func build(state: PickleValue) throws {
        guard let instance = graph.instance(try top()) else {
            throw failure("BUILD on something that is no object")
        }
        graphSize += MemoryLayout<PickleValue>.stride
        instance.states.append(state)
    }
}
