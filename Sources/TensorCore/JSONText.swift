/// The bytes of a JSON text, one after another; of a text in a file, no more than a window is in memory.
struct JSONText {
    private let region: ByteRegion?
    private var window: [UInt8]
    /// The place in the window.
    private var index = 0
    /// The place of the window in the text.
    private var start = 0
    /// Why the text ended before its end.
    private(set) var failure: ByteError?

    private static let windowSize = 64 << 10

    init(_ bytes: [UInt8]) {
        region = nil
        window = bytes
    }

    init(_ region: ByteRegion) {
        self.region = region
        window = []
        refill()
    }

    /// The place of the next byte, from the start of the text.
    var position: Int { start + index }

    /// The next byte; nil at the end.
    var current: UInt8? { index < window.count ? window[index] : nil }

    mutating func advance() {
        index += 1
        if index == window.count { refill() }
    }

    /// Appends the bytes to `bytes` as long as `isWanted` holds, and at most to the end of the window.
    mutating func take(into bytes: inout [UInt8], while isWanted: (UInt8) -> Bool) {
        let run = window[index...].prefix(while: isWanted)
        bytes.append(contentsOf: run)
        index = run.endIndex
        if index == window.count { refill() }
    }

    private mutating func refill() {
        guard let region, failure == nil else { return }
        start += window.count
        index = 0
        window = []
        do throws(ByteError) {
            window = try region.slice(start, min(Self.windowSize, region.count - start)).array()
        } catch {
            failure = error
        }
    }
}
