import TensorCore
import Testing

@Suite struct ScalarConversionTests {
    func convert(_ bytes: [UInt8], _ from: DType, _ to: DType) throws -> [UInt8] {
        let shape = try Shape([bytes.count / from.itemSize])
        return try TensorView(storage: .bytes(ByteRegion(bytes), .little), dtype: from, shape: shape)
            .converted(to: to).bytes().array()
    }

    func floats(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { buffer in
            stride(from: 0, to: buffer.count, by: 4).map {
                buffer.loadUnaligned(fromByteOffset: $0, as: Float.self)
            }
        }
    }

    #if !(os(macOS) && arch(x86_64))
        /// Every binary16 there is, against the standard library's own.
        @Test func everyHalfWidensAndNarrows() {
            for bits in UInt16.min...UInt16.max {
                let expected = Float(Float16(bitPattern: bits))
                let found = ScalarConversion.float(half: bits)
                guard !expected.isNaN else {
                    #expect(found.isNaN && Float16(bitPattern: ScalarConversion.half(found)).isNaN)
                    continue
                }
                guard found.bitPattern == expected.bitPattern, ScalarConversion.half(found) == bits else {
                    Issue.record("0x\(String(bits, radix: 16)): \(found), expected \(expected)")
                    return
                }
            }
        }

        /// Around every rounding boundary: the value between two neighbours, and a hair to either side.
        @Test func narrowingRoundsToNearestEven() {
            for bits in UInt16(0)..<0x7C00 {
                let low = Float(Float16(bitPattern: bits))
                let high = bits == 0x7BFF ? 65536 : Float(Float16(bitPattern: bits + 1))
                let middle = (low + high) / 2
                for value in [middle, middle.nextUp, middle.nextDown, -middle] {
                    guard ScalarConversion.half(value) == Float16(value).bitPattern else {
                        Issue.record(
                            "\(value): \(ScalarConversion.half(value)), expected \(Float16(value).bitPattern)"
                        )
                        return
                    }
                }
            }
        }
    #endif

    /// torch: torch.tensor([..., 1e-40]).to(torch.bfloat16).view(torch.int16)
    @Test func bfloatRoundsToNearestEven() {
        let values: [Float] = [
            1, 1.00390625, 1.01171875, 3.1415927, -0.0, .infinity, 3.4028235e38,
            .init(bitPattern: 0x0001_16C2),
        ]
        #expect(
            values.map(ScalarConversion.bfloat) == [
                0x3F80, 0x3F80, 0x3F82, 0x4049, 0x8000, 0x7F80, 0x7F80, 0x0001,
            ])
        #expect(ScalarConversion.bfloat(.nan) & 0x7FFF > 0x7F80)
    }

    /// torch: torch.tensor([0x38, 0xB8, 0x7E, 0x01, 0x08], dtype=torch.uint8).view(torch.float8_e4m3fn).float()
    @Test func eightBitFloatsWiden() throws {
        #expect(
            floats(try convert([0x38, 0xB8, 0x7E, 0x01, 0x08], .f8e4m3, .f32))
                == [1, -1, 448, 0.001953125, 0.015625])
        #expect(
            floats(try convert([0x3C, 0x7B, 0x01, 0x7C], .f8e5m2, .f32)) == [
                1, 57344, 1.52587890625e-05, .infinity,
            ])
        #expect(floats(try convert([0x40, 0x7F, 0x01], .f8e4m3fnuz, .f32)) == [1, 240, 0.0009765625])
        #expect(floats(try convert([0x7F, 0x80, 0x00], .f8e8m0, .f32)) == [1, 2, 5.877471754111438e-39])
        #expect(floats(try convert([0x7F], .f8e4m3, .f32))[0].isNaN)
        #expect(floats(try convert([0x80], .f8e4m3fnuz, .f32))[0].isNaN)
    }

    @Test func complexNumbersDoNotBecomeReal() throws {
        #expect(throws: TensorError.noConversion(from: .c64, to: .f32)) {
            try convert([UInt8](repeating: 0, count: 8), .c64, .f32)
        }
    }

    @Test func integersAndTruthValuesConvert() throws {
        #expect(floats(try convert([0xFF, 0x7F], .i8, .f32)) == [-1, 127])
        #expect(floats(try convert([0, 1, 2], .bool, .f32)) == [0, 1, 1])
    }
}
