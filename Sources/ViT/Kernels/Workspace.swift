import Synchronization
import TensorCore

/// The memory of a forward pass, used again by each block and by the next pass.
final class Workspace {
    /// What a piece of memory holds for the time being.
    enum Role: Hashable {
        case patchPixels, patches, tokens, normed, queries, qkv, attended, hidden, gate, branch, leading,
            leadingNormed, pooled, features, scores(Int)
    }

    private var buffers: [Role: HeapBytes] = [:]

    /// Memory for a matrix; what it held before is undefined, what it held under the same role is lost.
    func matrix(_ role: Role, rows: Int, columns: Int) -> Matrix {
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
final class WorkspacePool: Sendable {
    private let kept = Mutex<Workspace?>(nil)

    func withWorkspace<Result>(_ body: (Workspace) throws -> Result) rethrows -> Result {
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
