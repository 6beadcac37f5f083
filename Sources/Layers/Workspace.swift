import Synchronization
import TensorCore

/// The memory of a forward pass, used again by each block and by the next pass.
package final class Workspace {
    /// What a piece of memory holds for the time being.
    ///
    /// Parts of a model name their own; these are of the parts that all models share.
    package struct Role: Hashable, Sendable {
        private let name: String
        private let index: Int

        package init(_ name: String, _ index: Int = 0) {
            self.name = name
            self.index = index
        }

        package static var queries: Role { Role("queries") }
        package static var qkv: Role { Role("qkv") }
        package static var attended: Role { Role("attended") }
        package static var branch: Role { Role("branch") }
        package static var factors: Role { Role("factors") }
        package static func scores(_ index: Int) -> Role { Role("scores", index) }
    }

    private var buffers: [Role: HeapBytes] = [:]

    package init() {}

    /// Memory for a matrix; what it held before is undefined, what it held under the same role is lost.
    package func matrix(_ role: Role, rows: Int, columns: Int) -> Matrix {
        let bytes = max(1, rows * columns) * MemoryLayout<Float>.stride
        let buffer: HeapBytes
        if let existing = buffers[role], existing.buffer.count >= bytes {
            buffer = existing
        } else {
            buffers[role] = nil
            buffer = HeapBytes(count: bytes)
            buffers[role] = buffer
        }
        let start = buffer.buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
        return Matrix(start, rows: rows, columns: columns)
    }
}

/// Keeps one workspace for the next forward pass; a second pass at the same time gets its own.
package final class WorkspacePool: Sendable {
    private let kept = Mutex<Workspace?>(nil)

    package init() {}

    package func withWorkspace<Result>(_ body: (Workspace) throws -> Result) rethrows -> Result {
        let workspace =
            kept.withLock { kept in
                let workspace = kept
                kept = nil
                return Transfer(workspace)
            }.workspace ?? Workspace()
        defer {
            let transfer = Transfer(workspace)
            kept.withLock { $0 = transfer.workspace }
        }
        return try body(workspace)
    }

    /// A workspace has one user at a time: it is either kept here or lent.
    private struct Transfer: @unchecked Sendable {
        let workspace: Workspace?

        init(_ workspace: Workspace?) {
            self.workspace = workspace
        }
    }
}
