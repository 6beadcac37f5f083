import TensorCore

/// One parameter that a model has: its canonical name and its shape.
package struct ModelParameter: Sendable, Hashable {
    package let name: String
    package let shape: Shape
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
