import TensorCore

/// What in a checkpoint is laid out otherwise than its names and shapes say, to be put right when it is read.
public struct Repairs: Sendable, Hashable {
    /// In which order the rows of `attn.qkv` stand.
    public var qkvOrder: QKVOrder?
    /// Which kernels stand transposed.
    public var transposed: TransposedKernels?
    /// How the position embedding's rows are arranged.
    public var positions: PositionArrangement?

    /// None.
    public init() {}

    /// The sizes that shapes alone do not tell.
    package struct Geometry: Sendable {
        package let heads: Int
        /// How many rows of the position embedding stand before those of the patches.
        package let prefixRows: Int
        package let grid: PatchGrid

        package init(heads: Int, prefixRows: Int, grid: PatchGrid) {
            self.heads = heads
            self.prefixRows = prefixRows
            self.grid = grid
        }
    }

    /// The parameter as the model has it, and what was done to it; nil when it stays as it is.
    ///
    /// - Throws: `TensorError` when its shape is not the one that its name promises.
    package func repaired(
        _ name: String, _ view: TensorView, _ geometry: Geometry
    ) throws(TensorError) -> (view: TensorView, operations: [String])? {
        var (result, operations) = (view, [String]())
        if name.hasSuffix(".attn.qkv.weight") || name.hasSuffix(".attn.qkv.bias") {
            if let qkvOrder, qkvOrder != .canonical {
                result = try qkvOrder.canonical(result, heads: geometry.heads)
                operations.append("reorder \(qkvOrder) to \(QKVOrder.canonical)")
            }
        }
        if let transposed, let turned = try transposed.turned(name, result) {
            result = turned
            operations.append("transpose")
        }
        if name == "pos_embed", let positions {
            result = try positions.canonical(result, geometry)
            operations.append("rearrange from \(positions.rawValue)")
        }
        return operations.isEmpty ? nil : (result, operations)
    }
}

extension TransposedKernels {
    /// The kernel turned, or nil when it is not among them.
    fileprivate func turned(_ name: String, _ view: TensorView) throws(TensorError) -> TensorView? {
        let dimensions = view.shape.dimensions
        let isSquare = dimensions.count == 2 && dimensions[0] == dimensions[1]
        if name.hasSuffix(".attn.qkv.weight") {
            guard self == .qkv || self == .square, dimensions.count == 2,
                dimensions[0] == 3 * dimensions[1]
            else { return nil }
            var thirds: [TensorView] = []
            for part in 0..<3 {
                let third = try view.sliced(axis: 0, part * dimensions[1]..<(part + 1) * dimensions[1])
                thirds.append(try third.permuted([1, 0]))
            }
            return try TensorView.concatenated(thirds, axis: 0)
        }
        if name == "patch_embed.proj.weight" {
            guard self == .patch, dimensions.count == 4, dimensions[2] == dimensions[3] else { return nil }
            return try view.permuted([0, 1, 3, 2])
        }
        let isProjection = name.hasSuffix(".attn.proj.weight")
        guard isSquare, isProjection && self == .projection || self == .square && name.hasSuffix(".weight")
        else { return nil }
        return try view.permuted([1, 0])
    }
}

extension PositionArrangement {
    /// The rows as the model has them.
    fileprivate func canonical(
        _ view: TensorView, _ geometry: Repairs.Geometry
    ) throws(TensorError) -> TensorView {
        let (prefix, grid) = (geometry.prefixRows, geometry.grid)
        guard view.shape.rank == 3, view.shape[1] == prefix + grid.count else {
            throw .incompatible("a position embedding of shape \(view.shape) does not hold \(grid) patches")
        }
        let (rows, width) = (view.shape[1], view.shape[2])
        switch self {
        case .classLast:
            guard prefix > 0 else { throw .incompatible("the position embedding has no class row") }
            return try TensorView.concatenated(
                [view.sliced(axis: 1, grid.count..<rows), view.sliced(axis: 1, 0..<grid.count)], axis: 1)
        case .classAbsent:
            guard prefix > 0 else { throw .incompatible("the position embedding has no class row") }
            let zeros = try TensorView.zeros(view.dtype, Shape([1, 1, width]))
            return try TensorView.concatenated([zeros, view.sliced(axis: 1, 1..<rows)], axis: 1)
        case .transposed:
            let patches = try view.sliced(axis: 1, prefix..<rows)
                .reshaped(Shape([1, grid.width, grid.height, width])).permuted([0, 2, 1, 3])
                .reshaped(Shape([1, grid.count, width]))
            return prefix == 0
                ? patches : try TensorView.concatenated([view.sliced(axis: 1, 0..<prefix), patches], axis: 1)
        case .none:
            return try TensorView.zeros(view.dtype, view.shape)
        }
    }
}
