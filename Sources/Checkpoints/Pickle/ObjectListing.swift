import TensorCore

/// Walks the graph of a pickle and lists the tensors in it by their paths, and what else there is.
///
/// Dictionaries and sequences give their keys and indices to the path; a pickled module is listed as its
/// `state_dict()` would be; any other object by its state, its arguments under `args`.
struct ObjectListing {
    private(set) var contents = CheckpointContents()
    private let graph: PickleGraph
    private let rebuilder: TensorRebuilder
    private let numpy: NumPyPickle
    private var onPath: Set<Int> = []
    /// What is listed, and gone through for it, in bytes, about. What is referred to over and over counts each time.
    private var spent = 0
    /// Real files take a tenth of it.
    private static let allowance = 32 << 20
    private var depth = 0
    /// Inside a foreign object only tensors are listed.
    private var isForeign = false

    private static let deepest = 400

    init(of graph: PickleGraph, storages: any StorageProvider) throws {
        self.graph = graph
        rebuilder = TensorRebuilder(graph: graph, storages: storages)
        numpy = NumPyPickle(graph: graph)
        try visit(graph.root, "")
        contents.globals = graph.globals.map(\.description)
    }

    private static func join(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : path + "." + key
    }
    /// The name of a tensor that is all that a file holds.
    private static func name(_ path: String) -> String { path.isEmpty ? "tensor" : path }

    private mutating func other(_ path: String, _ type: String, _ value: String? = nil) throws {
        if !isForeign { try contents.add(OtherEntry(Self.name(path), type: type, value: value)) }
    }

    /// Counts entries and work that the file does not pay for by its size.
    private mutating func spend(_ size: Int, _ path: String) throws {
        spent += size
        guard spent <= Self.allowance else {
            throw CheckpointError(
                .unsupported,
                "the same objects, or long names, are referred to over and over: a list of them takes more than "
                    + "\(Self.allowance) bytes", part: path)
        }
    }

    private mutating func add(_ view: TensorView, _ path: String) throws {
        // What is seen expanded is computed as a whole each time that somebody asks.
        let expansion = max(0, view.byteCount - view.storage.byteCount(of: view.dtype))
        try spend(192 + 16 * view.shape.rank + expansion / 64, path)
        try contents.add(NamedTensor(Self.name(path), view))
    }

    private mutating func visit(_ value: PickleValue, _ path: String) throws {
        try spend(64 + path.utf8.count, path)
        guard case .node(let index) = value else {
            return try other(path, PickleText.type(of: value), PickleText.short(value, in: graph))
        }
        // An object that holds itself is followed once.
        guard onPath.insert(index).inserted else { return }
        defer { onPath.remove(index) }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else {
            throw CheckpointError(.unsupported, "objects nested more than \(Self.deepest) deep", part: path)
        }
        switch graph.nodes[index] {
        case .dictionary(let items): try visit(items.all, path)
        case .list(let list), .set(let list): try visit(list.all, path, value)
        case .tuple(let values): try visit(values, path, value)
        case .bytes(let region): try other(path, "bytes", "\(region.count) bytes")
        case .global(let global): try other(path, "global", global.description)
        case .persistent(let id):
            if let view = rebuilder.storages.tensor(id) {
                try add(view, path)
            } else {
                try other(path, "storage", "a storage without a tensor")
            }
        case .instance(let instance): try visit(instance, path, value)
        }
    }

    /// Dictionaries: a key that was set twice keeps its first place and its last value.
    private mutating func visit(_ items: [PickleItem], _ path: String) throws {
        for case .text(let key) in items.lazy.map(\.key) { try spend(key.utf8.count, path) }
        var last: [PickleValue: PickleValue] = [:]
        for item in items { last[item.key] = item.value }
        for item in items {
            guard let value = last.removeValue(forKey: item.key) else { continue }
            try visit(value, Self.join(path, PickleText.key(item.key, in: graph)))
        }
    }

    private mutating func visit(_ values: [PickleValue], _ path: String, _ whole: PickleValue) throws {
        try spend(8 * values.count, path)
        let isPlain = values.allSatisfy { if case .node = $0 { false } else { true } }
        if isPlain {
            return try other(path, PickleText.type(of: whole, in: graph), PickleText.short(whole, in: graph))
        }
        for (index, value) in values.enumerated() { try visit(value, Self.join(path, String(index))) }
    }

    private mutating func visit(_ instance: PickleInstance, _ path: String, _ value: PickleValue) throws {
        var rebuilt: TensorRebuilder.Rebuilt?
        do {
            rebuilt = try rebuilder.rebuild(instance)
            if numpy.isArray(instance) {
                guard let view = try numpy.array(instance) else {
                    return try other(path, "numpy array", "not of numbers")
                }
                return try add(view, path)
            }
        } catch let error as CheckpointError where error.kind == .unsupported {
            return try other(path, "tensor", error.detail)
        } catch {
            throw CheckpointError(error, part: Self.name(path))
        }
        if let rebuilt { return try visit(rebuilt, path) }
        if numpy.isScalar(instance) { return try other(path, "numpy scalar") }
        if numpy.isBytes(value) { return try other(path, "bytes") }
        if let state = try moduleState(of: instance, path) { return try visit(module: state, path) }
        let name = graph.global(instance.callable)?.description
        if let name, let sequence = sequence(of: instance, named: name) {
            for (index, value) in sequence.enumerated() { try visit(value, Self.join(path, String(index))) }
            return
        }
        if let name, Self.transparent.contains(name), let first = graph.tuple(instance.arguments)?.first {
            return try visit(first, path)
        }
        if let name, Self.dictionaries.contains(name) {
            try visit(dictionaryItems(of: instance), path)
        } else if let name, Self.namespaces.contains(name) {
            try visitStates(of: instance, path)
        } else {
            try visit(foreign: instance, named: name, path)
        }
    }

    private mutating func visit(_ rebuilt: TensorRebuilder.Rebuilt, _ path: String) throws {
        switch rebuilt {
        case .tensor(let view): try add(view, path)
        case .empty(let type, let description): try other(path, type, description)
        case .wrapped(let value, let attributes):
            if value != .none { try visit(value, path) }
            if let attributes { try visit(state: attributes, path) }
        case .parts(let parts):
            for part in parts { try visit(part.value, part.suffix.map { Self.join(path, $0) } ?? path) }
        }
    }

    // MARK: Known containers

    private static let dictionaries: Set<String> = [
        "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "builtins.dict",
        "__builtin__.dict",
    ]
    private static let sequences: Set<String> = [
        "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset", "builtins.list",
        "__builtin__.list", "builtins.tuple", "__builtin__.tuple", "collections.deque",
        "torch.jit._pickle.build_intlist",
        "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.build_doublelist",
        "torch.jit._pickle.build_boollist",
    ]
    private static let namespaces: Set<String> = ["argparse.Namespace", "types.SimpleNamespace"]
    private static let transparent: Set<String> = ["torch.jit._pickle.restore_type_tag"]

    private func dictionaryItems(of instance: PickleInstance) -> [PickleItem] {
        var items: [PickleItem] = []
        for argument in graph.tuple(instance.arguments) ?? [] {
            if case .dictionary(let given) = graph.node(argument) { items += given.all }
            // Python 2 gives OrderedDict a list of pairs.
            for pair in graph.sequence(argument) ?? [] {
                if let pair = graph.sequence(pair), pair.count == 2 {
                    items.append(PickleItem(key: pair[0], value: pair[1]))
                }
            }
        }
        return items + instance.items
    }

    private func sequence(of instance: PickleInstance, named name: String) -> [PickleValue]? {
        guard Self.sequences.contains(name) else { return nil }
        return (graph.tuple(instance.arguments)?.first.flatMap { graph.sequence($0) } ?? [])
            + instance.elements
    }

    // MARK: Objects by their state

    private func dictionary(_ value: PickleValue) -> [PickleItem]? {
        switch graph.node(value) {
        case .dictionary(let items): return items.all
        case .instance(let instance):
            guard let name = graph.global(instance.callable)?.description, Self.dictionaries.contains(name)
            else {
                return nil
            }
            return dictionaryItems(of: instance)
        default: return nil
        }
    }

    private static func value(_ key: String, in items: [PickleItem]) -> PickleValue? {
        items.last { $0.key == .text(key) }?.value
    }

    /// The state of a pickled `torch.nn.Module`, which always has these three dictionaries.
    private mutating func moduleState(of instance: PickleInstance, _ path: String) throws -> [PickleItem]? {
        guard let state = instance.states.last.flatMap({ dictionary($0) }) else { return nil }
        try spend(8 * state.count, path)
        let isModule = ["_parameters", "_buffers", "_modules"].allSatisfy { Self.value($0, in: state) != nil }
        return isModule ? state : nil
    }

    /// As `state_dict()` lists a module: parameters, persistent buffers, then the modules in it.
    private mutating func visit(module state: [PickleItem], _ path: String) throws {
        var left: Set<PickleValue> = []
        if let set = Self.value("_non_persistent_buffers_set", in: state) {
            if case .set(let names) = graph.node(set) { left.formUnion(names.all) }
            if let call = graph.instance(set) {
                left.formUnion(sequence(of: call, named: "builtins.set") ?? [])
            }
        }
        for kind in ["_parameters", "_buffers", "_modules"] {
            let items = Self.value(kind, in: state).flatMap { dictionary($0) } ?? []
            try visit(
                items.filter { $0.value != .none && (kind != "_buffers" || !left.contains($0.key)) }, path)
        }
    }

    private mutating func visit(foreign instance: PickleInstance, named name: String?, _ path: String) throws
    {
        try other(path, name ?? "object")
        let outer = isForeign
        isForeign = true
        defer { isForeign = outer }
        if graph.instance(instance.callable) != nil {
            try visit(instance.callable, Self.join(path, "function"))
        }
        for (index, argument) in (graph.tuple(instance.arguments) ?? []).enumerated() {
            try visit(argument, Self.join(path, "args.\(index)"))
        }
        if let keywords = dictionary(instance.keywords) { try visit(keywords, Self.join(path, "kwargs")) }
        for (index, element) in instance.elements.enumerated() {
            try visit(element, Self.join(path, String(index)))
        }
        try visit(instance.items, path)
        try visitStates(of: instance, path)
    }

    private mutating func visitStates(of instance: PickleInstance, _ path: String) throws {
        for state in instance.states { try visit(state: state, path) }
    }

    /// A `__dict__`, or a pair of it and the slots; any other state stands under `state`.
    private mutating func visit(state: PickleValue, _ path: String) throws {
        if let items = dictionary(state) { return try visit(items, path) }
        if let pair = graph.tuple(state), pair.count == 2,
            pair.allSatisfy({ $0 == .none || dictionary($0) != nil })
        {
            for part in pair { try visit(dictionary(part) ?? [], path) }
            return
        }
        try visit(state, Self.join(path, "state"))
    }
}
