/// How many patches an image is cut into.
package struct PatchGrid: Sendable, Hashable, CustomStringConvertible {
    package let height: Int
    package let width: Int

    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// The number of patches.
    package var count: Int { height * width }

    package var description: String { "\(height)×\(width)" }
}
