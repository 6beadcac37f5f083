import TensorCore

/// One parameter that a model has: its canonical name and its shape.
package struct ModelParameter: Sendable, Hashable {
    package let name: String
    package let shape: Shape
}

extension [ModelParameter] {
    /// The number of elements in all of them.
    package var elementCount: Int { reduce(0) { $0 + $1.shape.elementCount } }

    /// The same as a person reads it.
    package var roundedElementCount: String { ElementCount.rounded(elementCount) }
}

/// Numbers of elements.
package enum ElementCount {
    /// As a person reads it: "103.2 M", "8.7 K", "512".
    package static func rounded(_ count: Int) -> String {
        for (unit, letter) in [(1_000_000, "M"), (1000, "K")] where count >= unit {
            let tenths = (count + unit / 20) / (unit / 10)
            return "\(tenths / 10).\(tenths % 10) \(letter)"
        }
        return "\(count)"
    }
}

/// A model's parameters, part by part, in the order in which the forward pass meets them.
package struct ModelParameterList {
    package private(set) var parameters: [ModelParameter] = []

    package init() {}

    package mutating func add(_ name: String, _ dimensions: Int...) {
        parameters.append(ModelParameter(name: name, shape: Shape(unchecked: dimensions)))
    }

    package mutating func addNorm(_ name: String, _ length: Int, bias: Bool = true) {
        add("\(name).weight", length)
        if bias { add("\(name).bias", length) }
    }

    package mutating func addLinear(_ name: String, _ outputs: Int, _ inputs: Int, bias: Bool = true) {
        add("\(name).weight", outputs, inputs)
        if bias { add("\(name).bias", outputs) }
    }
}
