import TensorCore

/// A value on the pickle machine's stack: plain ones in place, the rest as a node of a graph.
///
/// Nodes are named by number, so that two references to one object stay references to one object, as
/// the memo of a pickle demands, and cycles cost nothing.
enum PickleValue: Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer beyond 64 bits, in hexadecimal.
    case wideInteger(String)
    case real(Double)
    case text(String)
    case node(Int)
}

/// As keys of a dictionary: texts and numbers by their bits. By their values, two spellings of é would be one name,
/// and numbers that are none would each be new, at the price of a look at all before.
extension PickleValue: Hashable {
    static func == (left: PickleValue, right: PickleValue) -> Bool {
        switch (left, right) {
        case (.none, .none): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.wideInteger(let left), .wideInteger(let right)): left == right
        case (.real(let left), .real(let right)): left.bitPattern == right.bitPattern
        case (.text(let left), .text(let right)): ExactText(left) == ExactText(right)
        case (.node(let left), .node(let right)): left == right
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .none: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .wideInteger(let digits): hasher.combine(digits)
        case .real(let value): hasher.combine(value.bitPattern)
        case .text(let text): hasher.combine(ExactText(text))
        case .node(let index): hasher.combine(index)
        }
    }
}

/// A Python global, which is never imported: `module` and qualified `name`.
struct PickleGlobal: Sendable, Hashable, CustomStringConvertible {
    let module: String
    let name: String

    var description: String { "\(module).\(name)" }

    /// By bytes, as Python compares names; to Swift, letters that look alike are the same.
    static func == (left: Self, right: Self) -> Bool {
        ExactText(left.module) == ExactText(right.module) && ExactText(left.name) == ExactText(right.name)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(module))
        hasher.combine(ExactText(name))
    }
}

/// An object of a pickle's graph. Nothing here has been constructed: a call is kept as what was to be
/// called and with what.
enum PickleNode {
    case list(PickleElements<PickleValue>)
    case tuple([PickleValue])
    case set(PickleElements<PickleValue>)
    case dictionary(PickleElements<PickleItem>)
    case bytes(ByteRegion)
    indirect case global(PickleGlobal)
    case persistent(PickleValue)
    case instance(PickleInstance)
}

/// The elements of a node that grows after it was made. Pickles add them by the thousand: in an object they are added
/// in place, where those in an enumeration would be copied each time.
final class PickleElements<Element> {
    var all: [Element]

    init(_ all: [Element]) { self.all = all }
}

struct PickleItem: Sendable {
    let key: PickleValue
    let value: PickleValue
}

/// What a REDUCE or NEWOBJ would have made, and what was done to it afterwards.
///
/// An object, so that it grows in place, and takes no more room among the nodes than any other.
final class PickleInstance {
    /// What would have been called.
    let callable: PickleValue
    /// With which positional and keyword arguments.
    let arguments: PickleValue
    let keywords: PickleValue
    /// Whether the class's `__new__` was to be called (NEWOBJ), or the callable itself (REDUCE).
    let isNew: Bool
    /// What BUILD gave to `__setstate__` or `__dict__`, in order.
    var states: [PickleValue] = []
    /// What was appended to it as to a list.
    var elements: [PickleValue] = []
    /// What was set in it as in a dictionary.
    var items: [PickleItem] = []

    /// What one takes in memory, about: a header, three values, a flag, three arrays.
    static let size = 16 + 3 * MemoryLayout<PickleValue>.stride + 4 * 8

    init(callable: PickleValue, arguments: PickleValue, keywords: PickleValue, isNew: Bool) {
        self.callable = callable
        self.arguments = arguments
        self.keywords = keywords
        self.isNew = isNew
    }
}

/// The objects that a pickle describes, and its root.
struct PickleGraph {
    var nodes: [PickleNode] = []
    var root: PickleValue = .none
    /// In order of first appearance.
    var globals: [PickleGlobal] = []

    func node(_ value: PickleValue) -> PickleNode? {
        guard case .node(let index) = value else { return nil }
        return nodes[index]
    }

    /// The global that a value names, directly or, as old PyTorch files name the classes of modules, by a
    /// persistent id `('module', class, file, source)` or `(class, file, source)`.
    func global(_ value: PickleValue) -> PickleGlobal? {
        switch node(value) {
        case .global(let global): return global
        case .persistent(let id):
            guard let fields = tuple(id), let first = fields.first else { return nil }
            let named = first == .text("module") && fields.count > 1 ? fields[1] : first
            if case .global(let global) = node(named) { return global }
            return nil
        default: return nil
        }
    }

    func tuple(_ value: PickleValue) -> [PickleValue]? {
        if case .tuple(let values) = node(value) { values } else { nil }
    }

    /// The elements of a tuple or a list.
    func sequence(_ value: PickleValue) -> [PickleValue]? {
        switch node(value) {
        case .tuple(let values): values
        case .list(let list): list.all
        default: nil
        }
    }

    func instance(_ value: PickleValue) -> PickleInstance? {
        if case .instance(let instance) = node(value) { instance } else { nil }
    }
}

extension PickleValue {
    var text: String? { if case .text(let text) = self { text } else { nil } }

    /// An integer; Python's booleans are integers too.
    var integer: Int? {
        switch self {
        case .integer(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }
}
