import TensorCore

/// A checkpoint's parameters in canonical names and layouts, not yet proven to be a whole model.
package struct MappedModel: Sendable {
    /// The scheme whose names the file has.
    package let scheme: NamingScheme
    /// Where in the file the weights stand: `state_dict.module`, or empty.
    package let path: String
    /// Other places of the file that hold a model's weights: what `select` could have been.
    package var otherPlaces: [String] = []
    /// What the user should hear: other weights in the file, tensors left aside, changes made.
    package var remarks: [String] = []
    /// What became of each tensor so far; ``prove(_:)`` completes it.
    package var report = MappingReport()
    /// The parameters, in the order in which their tensors stand in the file.
    package private(set) var tensors: [MappedTensor] = []
    /// The lengths that layouts told and canonical shapes do not: `H`, the number of heads.
    package private(set) var lengths: [String: Int] = [:]
    private var places: [String: Int] = [:]

    package init(scheme: NamingScheme, path: String) {
        self.scheme = scheme
        self.path = path
    }

    /// The parameter of the given name.
    package subscript(name: String) -> MappedTensor? { places[name].map { tensors[$0] } }

    /// Names and shapes: what a configuration is inferred from.
    package var shapes: [(name: String, shape: Shape)] { tensors.map { ($0.name, $0.view.shape) } }

    /// The full names of the tensors that no rule could use, in no place and for no reason.
    package var leftover: [String] { report.unexpected.map(\.name) + report.invalid.flatMap(\.sources) }

    /// The type that holds the most elements; F32 when there are none.
    package var dominantDType: DType {
        var counts: [DType: Int] = [:]
        for tensor in tensors { counts[tensor.view.dtype, default: 0] += tensor.view.shape.elementCount }
        return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? .f32
    }

    /// Enters a parameter; a second one of the same name goes to the report.
    mutating func add(_ tensor: MappedTensor) {
        guard let place = places[tensor.name] else {
            places[tensor.name] = tensors.count
            tensors.append(tensor)
            return
        }
        report.duplicates.append(.init(name: tensor.name, sources: tensors[place].sources + tensor.sources))
    }

    /// Keeps lengths that a row learned; the first word counts.
    mutating func learn(_ lengths: [String: Int]) {
        self.lengths.merge(lengths) { first, _ in first }
    }

    /// Puts a parameter in the place of the one of its name, or at the end.
    mutating func replace(_ tensor: MappedTensor) {
        if let place = places[tensor.name] {
            tensors[place] = tensor
        } else {
            add(tensor)
        }
    }

    /// Takes a parameter out; its tensors count as left out for the given reason.
    mutating func remove(_ name: String, because reason: String) {
        guard let place = places[name] else { return }
        for source in tensors.remove(at: place).sources {
            report.ignored.append(.init(name: source, reason: reason))
        }
        places = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    }

    /// Tells what is left out so far, by reason.
    mutating func remarkIgnored() {
        guard !report.ignored.isEmpty else { return }
        var counts: [String: Int] = [:]
        for tensor in report.ignored { counts[tensor.reason, default: 0] += 1 }
        let list = counts.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        let count = report.ignored.count
        remarks.append("\(count) \(count == 1 ? "tensor is" : "tensors are") left out: \(list)")
    }

    /// Lets tensors without a place that belong to a head go, because the head is not kept.
    mutating func forgiveHead(because reason: String) {
        let prefix = path.isEmpty ? "head" : path + ".head"
        let heads = report.unexpected.filter { $0.name.hasPrefix(prefix) }
        report.unexpected.removeAll { $0.name.hasPrefix(prefix) }
        report.ignored += heads.map { .init(name: $0.name, reason: reason) }
    }

    /// Changes each parameter.
    mutating func update(_ change: (inout MappedTensor) throws -> Void) rethrows {
        for index in tensors.indices { try change(&tensors[index]) }
    }
}
