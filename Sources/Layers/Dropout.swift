import TensorCore

/// Where the factors come from with which a training-mode pass multiplies, by the name of the module that drops.
///
/// A factor is 0 where an element is dropped and 1/(1 − rate) where it is kept (Srivastava et al. 2014).
package protocol DropoutSource: AnyObject {
    /// Writes the factors of a module, as many as there is place for.
    ///
    /// - Returns: false, with nothing written, where nothing is dropped.
    func fill(_ name: String, _ factors: UnsafeMutableBufferPointer<Float>) -> Bool
}

/// Factors drawn from a generator, in the order in which they are asked for and one number for each.
package final class DrawnDropout<Generator: RandomNumberGenerator>: DropoutSource {
    private let rates: [String: Double]
    /// The generator after the draws.
    package private(set) var generator: Generator

    /// - Parameter rates: between 0 and 1; modules without one drop nothing and draw nothing.
    package init(rates: [String: Double], generator: Generator) {
        self.rates = rates
        self.generator = generator
    }

    package func fill(_ name: String, _ factors: UnsafeMutableBufferPointer<Float>) -> Bool {
        guard let rate = rates[name], rate > 0 else { return false }
        let kept = rate < 1 ? Float(1 / (1 - rate)) : 0
        for index in factors.indices {
            // Uniform in 0..<1, in steps of 2⁻⁵³: the same on every platform.
            let uniform = Double(generator.next() >> 11) * 0x1p-53
            factors.initializeElement(at: index, to: uniform < rate ? 0 : kept)
        }
        return true
    }
}

/// Factors that were recorded elsewhere.
package final class RecordedDropout: DropoutSource {
    private let masks: [String: FloatTensor]

    /// - Parameter masks: of the right sizes, which is not looked at again.
    package init(_ masks: [String: FloatTensor]) {
        self.masks = masks
    }

    package func fill(_ name: String, _ factors: UnsafeMutableBufferPointer<Float>) -> Bool {
        guard let mask = masks[name] else { return false }
        _ = factors.initialize(from: mask.values)
        return true
    }
}

/// Dropping, for the parts of a model; outside of training it is nothing.
extension ForwardPass {
    package var isTraining: Bool { dropout != nil }

    /// The factors of a module, until the next ones are asked for; nil where it drops nothing.
    package func factors(_ name: @autoclosure () -> String, rows: Int, columns: Int) -> Matrix? {
        guard let dropout else { return nil }
        let factors = workspace.matrix(.factors, rows: rows, columns: columns)
        let buffer = UnsafeMutableBufferPointer(start: factors.start, count: rows * columns)
        return dropout.fill(name(), buffer) ? factors : nil
    }

    /// x ← x · factors, an own factor for each element.
    package func drop(_ name: @autoclosure () -> String, _ x: Matrix) {
        guard let factors = factors(name(), rows: x.rowCount, columns: x.columnCount) else { return }
        Kernels.forEachRows(x.rowCount, columns: x.columnCount) { rows in
            Kernels.multiply(x.rows(rows), by: factors.rows(rows))
        }
    }

    /// Each image's rows ← rows · factor: stochastic depth (Huang et al., arXiv 1603.09382).
    package func dropPath(_ name: @autoclosure () -> String, _ x: Matrix) {
        guard let factors = factors(name(), rows: batch, columns: 1) else { return }
        let rowCount = x.rowCount / max(1, batch)
        for image in 0..<batch {
            let rows = x.rows(image * rowCount..<(image + 1) * rowCount)
            Kernels.forEachRows(rowCount, columns: x.columnCount) { range in
                Kernels.scale(rows.rows(range), by: factors.start[image])
            }
        }
    }
}
