import Checkpoints
import TensorCore
import WeightMapping

extension TensorDifference {
    /// Compares what two checkpoints have under one name.
    ///
    /// - Throws: `CheckpointError` when a tensor cannot be read.
    init(
        name: String, _ a: MappedTensor?, of fileA: Checkpoint, _ b: MappedTensor?, of fileB: Checkpoint,
        options: ComparisonOptions
    ) throws {
        self.name = name
        block = Self.block(of: name)
        self.a = a.map(Side.init)
        self.b = b.map(Side.init)
        guard let a, let b else {
            (status, isEqual, differingCount, measure) = (.missing, false, nil, nil)
            return
        }
        guard a.view.shape == b.view.shape else {
            (status, isEqual, differingCount, measure) = (.resized, false, nil, nil)
            return
        }
        let pair = try TensorPair(a, of: fileA, b, of: fileB)
        if try pair.isIdentical() {
            (status, isEqual, differingCount, measure) = (.identical, true, 0, nil)
            return
        }
        let isCast = try pair.isEqualAfterCast()
        (differingCount, measure) = try pair.difference(options)
        let hasTolerance = options.absolute > 0 || options.relative > 0
        let isWithin = hasTolerance && measure?.outsideCount == 0
        status = isCast ? .equalAfterCast : isWithin ? .withinTolerance : .changed
        isEqual = isWithin || isCast && options.allowsCast
    }
}
