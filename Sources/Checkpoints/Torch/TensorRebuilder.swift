import TensorCore

/// Gives meaning to the constructors of tensors that PyTorch writes (`torch/_utils.py`, `torch/_tensor.py`).
///
/// This is the closed list: a call of anything else stays an inert object.
struct TensorRebuilder {
    let graph: PickleGraph
    let storages: any StorageProvider

    /// What a call of one of PyTorch's constructors makes.
    enum Rebuilt {
        case tensor(TensorView)
        /// A tensor that is kept as several plain ones, under suffixes of its name.
        case parts([(suffix: String?, value: Rebuilt)])
        /// Another value, with attributes beside it.
        case wrapped(PickleValue, attributes: PickleValue?)
        /// A tensor without data.
        case empty(type: String, description: String)
    }

    /// - Returns: nil when the call is not one of PyTorch's constructors.
    /// - Throws: `CheckpointError` when it is, but its arguments are not what that constructor takes.
    func rebuild(_ instance: PickleInstance) throws -> Rebuilt? { try rebuild(instance, depth: 0) }

    private func rebuild(_ instance: PickleInstance, depth: Int) throws -> Rebuilt? {
        guard let callable = graph.global(instance.callable), Self.modules.contains(callable.module) else {
            return nil
        }
        let arguments = Arguments(graph.tuple(instance.arguments) ?? [], of: callable, in: graph)
        switch callable.name {
        case "_rebuild_tensor", "_rebuild_tensor_v2":
            let view = try tensor(arguments, dtype: nil)
            return .tensor(try lazilyFlipped(view, metadata: arguments[6]))
        case "_rebuild_tensor_v3":
            let view = try tensor(arguments, dtype: try arguments.dtype(6))
            return .tensor(try lazilyFlipped(view, metadata: arguments[7]))
        case "_rebuild_parameter":
            return .wrapped(try arguments.value(0), attributes: nil)
        case "_rebuild_parameter_with_state":
            return .wrapped(try arguments.value(0), attributes: arguments[3])
        case "_rebuild_from_type", "_rebuild_from_type_v2":
            return try rebuiltFromType(arguments, depth: depth)
        case "_rebuild_qtensor":
            return try quantized(arguments)
        case "_rebuild_sparse_tensor":
            return try sparse(arguments)
        case "_rebuild_sparse_csr_tensor":
            return try sparse(arguments)
        case "_rebuild_nested_tensor":
            let names = ["buffer", "sizes", "strides", "storage_offsets"]
            return .parts(
                try names.indices.map { (names[$0], .wrapped(try arguments.value($0), attributes: nil)) })
        case "_rebuild_device_tensor_from_numpy", "_rebuild_device_tensor_from_cpu_tensor",
            "_rebuild_xla_tensor":
            return try fromArray(arguments)
        case "_rebuild_meta_tensor_no_storage":
            let dtype = try arguments.dtype(0)
            let shape = try Shape(try arguments.integers(1))
            return .empty(type: "meta tensor", description: "\(dtype.rawValue) \(shape), which has no data")
        default:
            return nil
        }
    }

    private static let modules: Set<String> = [
        "torch._utils", "torch._tensor", "torch.tensor", "torch.nn.parameter",
    ]

    private func tensor(_ arguments: Arguments, dtype: DType?) throws -> TensorView {
        guard case .persistent(let id) = graph.node(try arguments.value(0)),
            let reference = try StorageReference(id, in: graph)
        else { throw arguments.failure("the first argument is no storage") }
        let dtype = dtype ?? reference.dtype
        let lengths = try arguments.integers(2)
        let strides = try arguments.integers(3)
        let (shift, overflow) = reference.offset.multipliedReportingOverflow(by: reference.dtype.itemSize)
        let (offset, sumOverflow) = (overflow ? 0 : shift / dtype.itemSize)
            .addingReportingOverflow(try arguments.integer(1))
        guard !overflow, !sumOverflow else { throw arguments.failure("the offset is out of range") }
        do {
            return try TensorView(
                storage: try storages.storage(reference), dtype: dtype, shape: try Shape(lengths),
                strides: strides,
                offset: offset)
        } catch let error as TensorError {
            throw arguments.failure(error.description)
        }
    }

    private func rebuiltFromType(_ arguments: Arguments, depth: Int) throws -> Rebuilt {
        // (function, class, arguments, state): the class adds no data of its own.
        let call = PickleInstance(
            callable: try arguments.value(0), arguments: try arguments.value(2), keywords: .none, isNew: false
        )
        guard depth < 8, let rebuilt = try rebuild(call, depth: depth + 1) else {
            let name = graph.global(call.callable)?.description ?? "?"
            throw arguments.failure("the tensor is built by \(name), which is not known")
        }
        guard let state = arguments[3] else { return rebuilt }
        return .parts([(nil, rebuilt), (nil, .wrapped(.none, attributes: state))])
    }

    private func quantized(_ arguments: Arguments) throws -> Rebuilt {
        let view = try tensor(arguments, dtype: nil)
        guard let parameters = graph.sequence(try arguments.value(4)), let scheme = parameters.first,
            let name = graph.global(scheme)?.name
        else { throw arguments.failure("the quantizer is missing") }
        guard name.hasPrefix("per_channel"), parameters.count >= 3 else { return .tensor(view) }
        return .parts([
            (nil, .tensor(view)), ("scales", .wrapped(parameters[1], attributes: nil)),
            ("zero_points", .wrapped(parameters[2], attributes: nil)),
        ])
    }

    private func sparse(_ arguments: Arguments) throws -> Rebuilt {
        guard let parts = graph.sequence(try arguments.value(1)) else {
            throw arguments.failure("its parts are missing")
        }
        let names: [String]
        switch layoutName(try arguments.value(0)) {
        case "torch.sparse_coo": names = ["indices", "values"]
        case "torch.sparse_csr", "torch.sparse_bsr": names = ["crow_indices", "col_indices", "values"]
        case "torch.sparse_csc", "torch.sparse_bsc": names = ["ccol_indices", "row_indices", "values"]
        case let other: throw arguments.failure("the layout \(other ?? "?") is not known")
        }
        guard parts.count >= names.count else { throw arguments.failure("its parts are missing") }
        return .parts(names.indices.map { (names[$0], .wrapped(parts[$0], attributes: nil)) })
    }

    /// A layout is written as a call of `torch.serialization._get_layout` with its name.
    private func layoutName(_ value: PickleValue) -> String? {
        if let call = graph.instance(value) { return graph.tuple(call.arguments)?.first?.text }
        return graph.global(value)?.description ?? value.text
    }

    private func fromArray(_ arguments: Arguments) throws -> Rebuilt {
        guard let array = graph.instance(try arguments.value(0)) else {
            throw arguments.failure("the array is missing")
        }
        guard let view = try NumPyPickle(graph: graph).array(array) else {
            return .wrapped(try arguments.value(0), attributes: nil)
        }
        // A type that NumPy lacks travels as one of the same size or wider.
        let dtype = try arguments.dtype(1)
        return .tensor(try view.converted(to: dtype))
    }

    // MARK: Lazy negation

    /// `metadata` may say that the elements are to be conjugated or negated when read.
    private func lazilyFlipped(_ view: TensorView, metadata: PickleValue?) throws -> TensorView {
        guard let metadata, case .dictionary(let dictionary) = graph.node(metadata) else { return view }
        let items = dictionary.all
        guard items.count <= 16 else {
            throw CheckpointError(
                .damaged, "a tensor with \(items.count) facts beside it, where two are known")
        }
        func isSet(_ key: String) -> Bool { items.contains { $0.key.text == key && $0.value == .bool(true) } }
        let conjugate = isSet("conj") && view.dtype.isComplex
        let negative = isSet("neg")
        guard conjugate || negative else { return view }
        let component = view.dtype.componentSize
        let deferred = DeferredBytes(byteCount: view.byteCount) {
            let bytes = HeapBytes(count: view.byteCount)
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[0..<view.byteCount])
            try view.bytes().read(into: target)
            for index in 0..<view.byteCount / component {
                let isImaginary = view.dtype.isComplex && !index.isMultiple(of: 2)
                // The sign is the top bit of the last byte; twice flipped is not flipped.
                if negative != (conjugate && isImaginary) { target[(index + 1) * component - 1] ^= 0x80 }
            }
            return ByteRegion(bytes, count: view.byteCount)
        }
        return try TensorView(storage: .deferred(deferred), dtype: view.dtype, shape: view.shape)
    }
}

/// The arguments of a recorded call, with errors that name the call.
private struct Arguments {
    private let values: [PickleValue]
    private let callable: PickleGlobal
    private let graph: PickleGraph

    init(_ values: [PickleValue], of callable: PickleGlobal, in graph: PickleGraph) {
        self.values = values
        self.callable = callable
        self.graph = graph
    }

    func failure(_ detail: String) -> CheckpointError {
        CheckpointError(.damaged, "\(callable): \(detail)")
    }

    subscript(index: Int) -> PickleValue? {
        guard index < values.count, values[index] != .none else { return nil }
        return values[index]
    }

    func value(_ index: Int) throws -> PickleValue {
        guard index < values.count else { throw failure("argument \(index + 1) is missing") }
        return values[index]
    }

    func integer(_ index: Int) throws -> Int {
        guard let integer = try value(index).integer else {
            throw failure("argument \(index + 1) is no integer")
        }
        return integer
    }

    /// A tuple of integers; `torch.Size` wraps one.
    func integers(_ index: Int) throws -> [Int] {
        var list = try value(index)
        if let size = graph.instance(list), let inner = graph.tuple(size.arguments)?.first { list = inner }
        guard let values = graph.sequence(list) else { throw failure("argument \(index + 1) is no tuple") }
        guard values.count <= Shape.largestRank else {
            throw failure(TensorError.tooManyAxes(values.count).description)
        }
        return try values.map {
            guard let integer = $0.integer else {
                throw failure("argument \(index + 1) holds what is no integer")
            }
            return integer
        }
    }

    func dtype(_ index: Int) throws -> DType {
        guard let global = graph.global(try value(index)) else {
            throw failure("argument \(index + 1) is no dtype")
        }
        guard global.module == "torch", let dtype = TorchDType.byName[global.name] else {
            throw CheckpointError(.unsupported, "a tensor of type \(global), which is not among those known")
        }
        return dtype
    }
}
