import TensorCore

/// Tensors by the words of their names, as a tree in which blocks that are alike stand once.
package struct KeyTree {
    private final class Node {
        var children: [(key: String, node: Node)] = []
        var index: [String: Int] = [:]
        var tensor: TensorView?

        func child(_ key: String) -> Node {
            if let place = index[key] { return children[place].node }
            let node = Node()
            index[key] = children.count
            children.append((key, node))
            return node
        }
    }

    private let root = Node()
    private static let deepest = 64

    package init(_ tensors: [NamedTensor]) {
        for tensor in tensors {
            var node = root
            for word in tensor.name.split(
                separator: ".", maxSplits: Self.deepest, omittingEmptySubsequences: false)
            {
                node = node.child(String(word))
            }
            node.tensor = tensor.view
        }
    }

    /// One line for each node; a key is followed by the type and shape of the tensor that it names.
    package var lines: [String] { Self.lines(of: root, indent: "") }

    private static func lines(of node: Node, indent: String) -> [String] {
        var result: [String] = []
        var place = 0
        while place < node.children.count {
            let (key, child) = node.children[place]
            let below = lines(of: child, indent: indent + "  ")
            let label = child.tensor.map { "  \($0.dtype.rawValue) \($0.shape)" } ?? ""
            var last = place
            if let first = Int(key) {
                while last + 1 < node.children.count,
                    Int(node.children[last + 1].key) == first + last + 1 - place,
                    lines(of: node.children[last + 1].node, indent: indent + "  ") == below,
                    node.children[last + 1].node.tensor?.shape == child.tensor?.shape,
                    node.children[last + 1].node.tensor?.dtype == child.tensor?.dtype
                { last += 1 }
            }
            let name = last > place ? "{\(key)…\(node.children[last].key)}" : key
            result.append(indent + name + label)
            result += below
            place = last + 1
        }
        return result
    }
}
