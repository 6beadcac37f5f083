import TensorCore
import Testing

@testable import Parity

struct TensorComparisonTests {
    private func compare(
        _ computed: [Float], _ reference: [Float], _ tolerance: Tolerance = Tolerance()
    ) throws -> TensorComparison {
        TensorComparison(
            name: "t", computed: try Logits.tensor([2, computed.count / 2], computed),
            reference: try Logits.tensor([2, reference.count / 2], reference), tolerance: tolerance)
    }

    /// numpy on the same two rows of numbers, in F64.
    @Test func figuresAreThoseOfNumpy() throws {
        let comparison = try compare(Logits.tanh, Logits.exact)
        #expect(abs(comparison.maxAbsoluteError - 0.00040662288665771484) < 1e-12)
        #expect(abs(comparison.maxRelativeError - 0.0005092069164868466) < 1e-12)
        #expect(abs(comparison.rootMeanSquareError - 0.00018208501343352528) < 1e-12)
        #expect(abs(comparison.cosineSimilarity - 0.9999999795965383) < 1e-12)
        #expect(comparison.worst?.index == [0, 1])
        #expect(comparison.worst?.computed == Logits.tanh[1])
    }

    @Test func roundingPassesAndTheWrongGELUDoesNot() throws {
        #expect(try compare(Logits.exact, Logits.double).passed)
        #expect(try !compare(Logits.tanh, Logits.exact).passed)
        #expect(try compare(Logits.tanh, Logits.exact, Tolerance(dtype: .f16)).passed)
        #expect(try compare(Logits.exact, Logits.exact, Tolerance(absolute: 0, relative: 0)).passed)
        #expect(try !compare(Logits.exact, Logits.double, Tolerance(absolute: 0, relative: 0)).passed)
    }

    @Test func theDefaultGrowsWithTheTensor() throws {
        let scaled = Logits.exact.map { $0 * 300 }
        let moved = Logits.tanh.map { $0 * 300 }
        #expect(try !compare(moved, scaled).passed)
        #expect(try compare(Logits.double.map { $0 * 300 }, scaled).passed)
        let comparison = try compare(scaled, scaled)
        // 3e-5 of the root mean square, 0.897899874 by numpy.
        #expect(abs(comparison.absoluteTolerance - 3e-5 * 300 * 0.897899874) < 1e-9)
    }

    @Test func aSetToleranceIsTaken() throws {
        #expect(try compare([1.05, 2], [1, 2], Tolerance(absolute: 0.1, relative: 0)).passed)
        #expect(try !compare([1.2, 2], [1, 2], Tolerance(absolute: 0.1, relative: 0)).passed)
        #expect(try compare([1.2, 2], [1, 2], Tolerance(absolute: 0.1, relative: 0.11)).passed)
        #expect(Tolerance(absolute: 0.5).absolute(for: 20, logitsSize: 2) == 5)
        #expect(Tolerance(absolute: 0.5).absolute(for: 1, logitsSize: 2) == 0.5)
    }

    @Test(arguments: [
        (Float.nan, Float(1)), (1, .nan), (.nan, .nan), (.infinity, 1), (1, -.infinity),
        (.infinity, -.infinity),
        (.nan, .infinity),
    ])
    func whatIsNoNumberNeverPasses(computed: Float, reference: Float) throws {
        let comparison = try compare(
            [computed, 2], [reference, 2], Tolerance(absolute: 1e30, relative: 1e30))
        #expect(!comparison.passed)
        #expect(comparison.failures == 1)
        #expect(comparison.worst?.index == [0, 0])
        #expect(comparison.maxAbsoluteError == .infinity)
    }

    @Test func equalInfinitiesAreEqual() throws {
        let comparison = try compare([.infinity, -.infinity, 1, 2], [.infinity, -.infinity, 1, 2])
        #expect(comparison.passed)
        #expect(comparison.maxAbsoluteError == 0)
        #expect(comparison.maxRelativeError == 0)
        #expect(comparison.cosineSimilarity == 1)
    }

    @Test func zerosEqualZeros() throws {
        let comparison = try compare([0, 0], [0, -0.0])
        #expect(comparison.passed)
        #expect(comparison.cosineSimilarity == 1)
        #expect(try !compare([0, 1e-6], [0, 0]).passed)
        #expect(try compare([0, 1], [0, 0]).cosineSimilarity == 0)
    }

    @Test func anotherShapeFailsWithAMessage() throws {
        let comparison = try compare([1, 2, 3, 4], [1, 2])
        #expect(!comparison.passed)
        #expect(comparison.message == "expected the shape [2, 1], computed [2, 2]")
        let flat = TensorComparison(
            name: "t", computed: try Logits.tensor([3], [1, 2, 3]),
            reference: try Logits.tensor([1, 3, 1], [1, 2, 3]), tolerance: Tolerance())
        #expect(flat.passed)
    }
}

struct TopAgreementTests {
    private func share(_ k: Int, _ computed: [Float], _ reference: [Float]) throws -> Double {
        TopAgreement.share(
            k, computed: try Logits.tensor([2, computed.count / 2], computed),
            reference: try Logits.tensor([2, reference.count / 2], reference))
    }

    @Test func theBestClassOfEachImageCounts() throws {
        #expect(try share(1, [1, 2, 3, 3, 2, 1], [1, 2, 3, 3, 2, 1]) == 1)
        #expect(try share(1, [1, 2, 3, 3, 2, 1], [1, 2, 3, 1, 2, 3]) == 0.5)
        #expect(try share(1, [3, 2, 1, 3, 2, 1], [1, 2, 3, 1, 2, 3]) == 0)
    }

    @Test func theFiveBestAreASet() throws {
        let reference: [Float] = [9, 8, 7, 6, 5, 1, 0, 9, 8, 7, 6, 5, 1, 0]
        let shuffled: [Float] = [5, 6, 7, 8, 9, 1, 0, 9, 8, 7, 6, 1, 5, 0]
        #expect(try share(5, shuffled, reference) == 0.9)
        #expect(try share(5, [1, 2, 3, 4], [2, 1, 4, 3]) == 1)
    }

    @Test func whatIsNoNumberComesLast() throws {
        #expect(try share(1, [.nan, 1, .nan, 1], [2, 1, 0, 1]) == 0.5)
        #expect(try share(1, [0, 0, 0, 0], [0, 0, 0, 0]) == 1)
    }
}
