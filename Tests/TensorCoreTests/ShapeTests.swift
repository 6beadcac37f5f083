import TensorCore
import Testing

@Suite struct ShapeTests {
    @Test func aProductThatOverflowsIsRefused() {
        #expect(throws: TensorError.invalidShape([1 << 40, 1 << 40])) { try Shape([1 << 40, 1 << 40]) }
        #expect(throws: TensorError.invalidShape([-1])) { try Shape([-1]) }
    }

    @Test func aLengthOfZeroMakesAnyShapeEmpty() throws {
        #expect(try Shape([1 << 62, 0, 1 << 62]).elementCount == 0)
    }
}
