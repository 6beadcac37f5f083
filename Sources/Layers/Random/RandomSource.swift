/// Random numbers from a seed: the same on every platform and for every version of Swift.
///
/// xoshiro256** by Blackman and Vigna ("Scrambled Linear Pseudorandom Number Generators", arXiv 1805.01407),
/// its state filled by SplitMix64 as its authors recommend.
public struct RandomSource: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// - Parameter state: not all zero.
    package init(state: (UInt64, UInt64, UInt64, UInt64)) {
        self.state = state
    }

    /// A generator whose numbers follow from the seed alone.
    public init(seed: UInt64) {
        var seeder = SplitMix64(state: seed)
        state = (seeder.next(), seeder.next(), seeder.next(), seeder.next())
    }

    /// A stream of its own for each name and piece, so that tensors can be drawn in any order, and at once.
    package init(seed: UInt64, stream: String, piece: UInt64 = 0) {
        // FNV-1a over the name.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var mixer = SplitMix64(state: seed)
        let first = mixer.next()
        mixer = SplitMix64(state: first ^ hash)
        let second = mixer.next()
        mixer = SplitMix64(state: second ^ piece)
        self.init(seed: mixer.next())
    }

    /// The next number, uniform over all of 64 bits.
    public mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }

    /// Uniform in 0..<1, in steps of 2⁻⁵³.
    package mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
