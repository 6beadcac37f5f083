import TensorCore

/// Whether these tests were built with a sanitizer, which takes memory and signals for itself, and does not let another
/// library come before it.
package enum Sanitizer {
    package static let isOn = ["__asan_init", "__tsan_init"].contains { (name: String) in
        dlsym(nil, name) != nil
    }
}
