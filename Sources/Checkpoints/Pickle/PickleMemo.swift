/// What a pickle has put aside, by number: nearly always 0, 1, 2 …, but a file may say any.
struct PickleMemo {
    private var dense: [PickleValue] = []
    private var sparse: [Int: PickleValue] = [:]

    /// MEMOIZE puts at this number.
    var count: Int { dense.count + sparse.count }

    mutating func put(_ value: PickleValue, at index: Int) {
        if index < dense.count {
            dense[index] = value
        } else if index == dense.count, sparse.isEmpty {
            dense.append(value)
        } else {
            sparse[index] = value
        }
    }

    subscript(index: Int) -> PickleValue? { index < dense.count ? dense[index] : sparse[index] }
}

extension PickleNode {
    /// What it takes in memory, about.
    var size: Int {
        let own = MemoryLayout<PickleNode>.stride
        switch self {
        case .list(let values), .set(let values): return own + 32 + Self.size(of: values.all)
        case .tuple(let values): return own + Self.size(of: values)
        case .dictionary(let items): return own + 32 + Self.size(of: items.all)
        case .bytes, .persistent: return own
        case .global: return own + 16 + MemoryLayout<PickleGlobal>.stride
        case .instance: return own + PickleInstance.size
        }
    }

    private static func size<Element>(of elements: [Element]) -> Int {
        elements.isEmpty ? 0 : 32 + elements.count * MemoryLayout<Element>.stride
    }
}
