/// Matrix products of one size, and how often they occur.
package struct ProductShape: Sendable, Hashable {
    package let rows: Int
    package let columns: Int
    package let inner: Int
    package let count: Int
    /// Whether the right side is stored `[columns, inner]`, as weights and keys are.
    package let transposesRight: Bool

    package init(_ rows: Int, _ columns: Int, inner: Int, count: Int = 1, transposesRight: Bool = true) {
        (self.rows, self.columns, self.inner, self.count) = (rows, columns, inner, count)
        self.transposesRight = transposesRight
    }

    /// Two operations for each multiplication and addition.
    package var operationCount: Double {
        2 * Double(rows) * Double(columns) * Double(inner) * Double(count)
    }
}
