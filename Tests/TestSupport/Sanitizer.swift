import TensorCore

/// Whether these tests were built with a sanitizer, which takes memory and signals for itself.
package enum Sanitizer {
    package static let isOn = isThere("__asan_init") || isThread
    /// ThreadSanitizer, beside which no other library can be loaded first.
    package static let isThread = isThere("__tsan_init")

    private static func isThere(_ name: String) -> Bool { dlsym(nil, name) != nil }
}
