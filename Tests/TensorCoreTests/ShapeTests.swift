import TensorCore
import Testing

@Suite struct ShapeTests {
    @Test func aProductThatOverflowsIsRefused() {
        #expect(throws: TensorError.invalidShape([1 << 40, 1 << 40])) { try Shape([1 << 40, 1 << 40]) }
        #expect(throws: TensorError.invalidShape([-1])) { try Shape([-1]) }
    }

    @Test func aLengthOfZeroMakesAShapeEmpty() throws {
        #expect(try Shape([1 << 20, 0, 1 << 20]).elementCount == 0)
    }

    /// It would take no bytes of a file to say, and sums of three such lengths would overflow.
    @Test func withoutElementsLengthsAreBoundedAsWell() {
        #expect(throws: TensorError.invalidShape([1 << 62, 0])) { try Shape([1 << 62, 0]) }
        #expect(throws: TensorError.invalidShape([0, 1 << 21, 1 << 20])) { try Shape([0, 1 << 21, 1 << 20]) }
    }

    @Test func axesAreCounted() throws {
        #expect(try Shape([Int](repeating: 1, count: 64)).elementCount == 1)
        #expect(throws: TensorError.tooManyAxes(65)) { try Shape([Int](repeating: 1, count: 65)) }
    }
}
