import TensorCore

/// NumPy's arrays and scalars as they are pickled (`numpy/_core/_internal.py`, `multiarray`, `numeric`).
struct NumPyPickle {
    let graph: PickleGraph

    private static let modules: Set<String> = ["numpy.core.multiarray", "numpy._core.multiarray"]
    private static let numeric: Set<String> = ["numpy.core.numeric", "numpy._core.numeric"]

    /// Whether the call would make an array, of numbers or not.
    func isArray(_ instance: PickleInstance) -> Bool {
        guard let callable = graph.global(instance.callable) else { return false }
        return Self.modules.contains(callable.module) && callable.name == "_reconstruct"
            || Self.numeric.contains(callable.module) && callable.name == "_frombuffer"
    }

    func isScalar(_ instance: PickleInstance) -> Bool {
        guard let callable = graph.global(instance.callable) else { return false }
        return Self.modules.contains(callable.module) && callable.name == "scalar"
    }

    /// The array of numbers that the call would make.
    ///
    /// - Returns: nil for arrays of objects, strings or records.
    func array(_ instance: PickleInstance) throws -> TensorView? {
        guard isArray(instance) else { return nil }
        let shape: PickleValue
        let dtype: PickleValue
        let data: PickleValue
        let isColumnMajor: Bool
        if graph.global(instance.callable)?.name == "_frombuffer" {
            // (buffer, dtype, shape, order)
            guard let fields = graph.tuple(instance.arguments), fields.count >= 3 else { return nil }
            (data, dtype, shape) = (fields[0], fields[1], fields[2])
            isColumnMajor = fields.count > 3 && fields[3].text == "F"
        } else {
            // BUILD with (version, shape, dtype, is_fortran, data); the version came later.
            guard var fields = instance.states.last.flatMap({ graph.tuple($0) }) else { return nil }
            if fields.count == 5 { fields.removeFirst() }
            guard fields.count == 4 else { return nil }
            (shape, dtype, data) = (fields[0], fields[1], fields[3])
            isColumnMajor = fields[2].integer == 1
        }
        guard let (type, order) = element(dtype), let bytes = bytes(data) else { return nil }
        let lengths = graph.sequence(shape) ?? []
        guard lengths.count <= Shape.largestRank else { throw TensorError.tooManyAxes(lengths.count) }
        let view = try Shape(
            try lengths.map {
                guard let length = $0.integer else {
                    throw CheckpointError(.damaged, "an array's shape is no tuple of integers")
                }
                return length
            })
        return try TensorView(
            storage: try storage(bytes, order, count: view.elementCount, of: type), dtype: type, shape: view,
            strides: isColumnMajor ? view.columnMajorStrides : nil)
    }

    /// Texts are turned into bytes when these are asked for, since thousands of arrays may refer to one.
    private func storage(
        _ bytes: Bytes, _ order: ByteOrder, count: Int, of dtype: DType
    ) throws -> TensorStorage {
        let (size, overflow) = count.multipliedReportingOverflow(by: dtype.itemSize)
        guard !overflow else { throw CheckpointError(.damaged, "an array of \(count) elements") }
        switch bytes {
        case .region(let region): return .bytes(region, order)
        case .text(let text):
            guard text.utf8.count >= size else {
                throw ByteError(.truncated, offset: 0, needed: size, available: text.utf8.count)
            }
            return .deferred(
                DeferredBytes(byteCount: text.utf8.count, order: order) { ByteRegion(Array(text.utf8)) })
        case .latin(let text):
            return .deferred(
                DeferredBytes(byteCount: size, order: order) {
                    let bytes = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
                    guard bytes.count == text.unicodeScalars.count else {
                        throw CheckpointError(.damaged, "an array's bytes are no text of Latin-1")
                    }
                    return ByteRegion(bytes)
                })
        }
    }

    /// A `numpy.dtype` call: its argument spells the type, its state the byte order.
    private func element(_ value: PickleValue) -> (DType, ByteOrder)? {
        guard let dtype = graph.instance(value), let name = graph.tuple(dtype.arguments)?.first else {
            return nil
        }
        if let global = graph.global(name) {
            // ml_dtypes' types stand there as classes.
            return TorchDType.byName[global.name].map { ($0, .little) }
        }
        guard let text = name.text, let (type, _) = NumPyDType.parse(text) else { return nil }
        let state = dtype.states.last.flatMap { graph.tuple($0) } ?? []
        let isBig = state.count > 1 && state[1].text == ">"
        return (type, isBig ? .big : .little)
    }

    /// Bytes in any of the forms that pickles of the various Pythons have for them.
    private enum Bytes {
        case region(ByteRegion)
        /// Python 2 strings that happen to be UTF-8.
        case text(String)
        /// One scalar for each byte.
        case latin(String)
    }

    /// Whether a call would make bytes.
    func isBytes(_ value: PickleValue) -> Bool { bytes(value) != nil }

    private func bytes(_ value: PickleValue, isNested: Bool = false) -> Bytes? {
        switch value {
        case .text(let text): return .text(text)
        case .node:
            if case .bytes(let region) = graph.node(value) { return .region(region) }
            // Python 3 writes bytes in protocol 2 as _codecs.encode(text, 'latin1'), empty ones as bytes().
            guard let call = graph.instance(value), let callable = graph.global(call.callable) else {
                return nil
            }
            if callable.name == "bytes" || callable.name == "bytearray" {
                guard let first = graph.tuple(call.arguments)?.first else { return .region(ByteRegion([])) }
                return isNested ? nil : bytes(first, isNested: true)
            }
            guard callable == PickleGlobal(module: "_codecs", name: "encode"),
                let fields = graph.tuple(call.arguments), fields.count == 2, let text = fields[0].text
            else { return nil }
            return .latin(text)
        default: return nil
        }
    }
}
