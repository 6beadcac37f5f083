import Layers
import TensorCore

/// A model as a row of blocks, in which each parameter is a rectangle whose area is its number of elements.
///
/// Blocks that follow one another and are alike in all shapes stand once.
struct ModelDrawing {
    struct Tensor {
        let name: String
        let shape: [Int]
        let byteCount: Int

        fileprivate var elementCount: Int {
            shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        }
    }

    /// A module with its weight and bias, or a parameter by itself.
    struct Part: Equatable {
        let name: String
        var shapes: [[Int]]
    }

    struct Block {
        let name: String
        /// The last block of a series.
        fileprivate(set) var last: String?
        fileprivate(set) var count = 1
        fileprivate(set) var parts: [Part] = []
        /// Of one block.
        fileprivate(set) var elementCount = 0
        fileprivate(set) var byteCount = 0
        /// Where the modules among the parts stand, by name.
        fileprivate var places: [String: Int] = [:]
    }

    private(set) var blocks: [Block] = []

    /// More blocks, or parts of a block, than anybody looks at are only counted.
    private static let most = (blocks: 40, parts: 40)

    init(_ tensors: [Tensor]) {
        var all: [Block] = []
        var places: [String: Int] = [:]
        for tensor in tensors {
            let name = TensorDifference.block(of: tensor.name)
            let place = places[name] ?? all.count
            if place == all.count {
                all.append(Block(name: name))
                places[name] = place
            }
            all[place].add(tensor)
        }
        for block in all {
            if let last = blocks.last, last.isAlike(block) {
                blocks[blocks.count - 1].last = block.name
                blocks[blocks.count - 1].count += 1
            } else {
                blocks.append(block)
            }
        }
    }

    // MARK: Drawing

    /// The side of the largest rectangle, in pixels.
    private static let largestSide = 84.0
    /// No rectangle is longer than so many times its width.
    private static let longest = 5.0

    /// - Parameter isFlow: whether what a block puts out goes into the next one.
    func markup(isFlow: Bool) -> Markup {
        let rectangles = blocks.flatMap(\.parts).map { Self.sides(of: $0.shapes[0], scale: 1) }
        let largest = rectangles.reduce(1) { max($0, $1.width, $1.height) }
        let scale = Self.largestSide / largest
        var items = blocks.prefix(Self.most.blocks).map { $0.markup(scale: scale) }
        if blocks.count > Self.most.blocks {
            items.append("<li class=\"more\">and \(blocks.count - Self.most.blocks) more</li>\n")
        }
        return "<ol class=\"model\(isFlow ? " flow" : "")\">\n\(Markup(items))</ol>\n"
    }

    /// The rectangle of a shape: rows are the first axis, columns all others.
    fileprivate static func sides(of shape: [Int], scale: Double) -> (width: Double, height: Double) {
        let count = shape.reduce(1.0) { $0 * Double($1) }
        guard count > 0 else { return (0, 0) }
        let rows = shape.count > 1 ? Double(shape.first { $0 > 1 } ?? 1) : count
        let ratio = max(1 / longest, min(longest, count / rows / rows))
        return ((count * ratio).squareRoot() * scale, (count / ratio).squareRoot() * scale)
    }

    fileprivate static func parts(_ parts: [Part], scale: Double) -> Markup {
        var items = parts.prefix(most.parts).map { part -> Markup in
            let (width, height) = sides(of: part.shapes[0], scale: scale)
            let (w, h) = (max(2, width.rounded(.up)), max(2, height.rounded(.up)))
            let text = part.shapes.map { $0.map(String.init).joined(separator: "×") }.filter { !$0.isEmpty }
            return """
                <li><svg width="\(Int(w))" height="\(Int(h))" aria-hidden="true"><rect width="100%" height="100%"/></svg>\
                <b>\(part.name)</b> <span>\(text.joined(separator: " + "))</span></li>

                """
        }
        if parts.count > most.parts { items.append("<li>and \(parts.count - most.parts) more</li>\n") }
        return Markup(items)
    }
}

extension ModelDrawing.Block {
    fileprivate mutating func add(_ tensor: ModelDrawing.Tensor) {
        var rest = tensor.name.dropFirst(name.count).drop { $0 == "." || $0 == "/" }
        let words = rest.split { $0 == "." || $0 == "/" }
        if words.count > 1, let word = words.last { rest = rest.dropLast(word.count + 1) }
        // A module that is a whole block has a weight and a bias and no name below.
        let isModule = words.count > 1 || words.count == 1 && ["weight", "bias"].contains(words[0])
        let part = isModule && words.count == 1 ? name : rest.isEmpty ? name : String(rest)
        if isModule, let place = places[part] {
            parts[place].shapes.append(tensor.shape)
        } else {
            if isModule { places[part] = parts.count }
            parts.append(ModelDrawing.Part(name: part, shapes: [tensor.shape]))
        }
        elementCount &+= tensor.elementCount
        byteCount &+= tensor.byteCount
    }

    /// Whether it is the next of a series: the same but for the number at the end of its name.
    fileprivate func isAlike(_ other: Self) -> Bool {
        func stem(_ name: String) -> Substring? {
            let stem = name.prefix(name.count - name.reversed().prefix { $0.isASCII && $0.isNumber }.count)
            return stem.count < name.count ? stem : nil
        }
        return stem(name) != nil && stem(name) == stem(other.name) && parts == other.parts
            && byteCount == other.byteCount
    }

    fileprivate func markup(scale: Double) -> Markup {
        let names: Markup = last.map { "\(name) … \($0)" } ?? "\(name)"
        let size =
            "\(ElementCount.rounded(elementCount)) parameter\(elementCount == 1 ? "" : "s"), "
            + Quantity.bytes(byteCount)
        let sizes: Markup = count > 1 ? "\(count) × \(size)" : "\(size)"
        return """
            <li\(count > 1 ? " class=\"series\"" : "" as Markup)><h3>\(names)</h3><p>\(sizes)</p>
            <ul>\(ModelDrawing.parts(parts, scale: scale))</ul></li>

            """
    }
}
