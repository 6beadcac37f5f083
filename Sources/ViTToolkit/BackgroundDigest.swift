import Checkpoints
import Dispatch
import Synchronization
import TensorCore

/// The SHA-256 of a checkpoint's files, computed on another core while this one goes on.
final class BackgroundDigest: Sendable {
    private let result = Mutex<Result<String, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)
    private let isCancelled = Atomic<Bool>(false)

    init(of files: [OpenFile]) {
        DispatchQueue.global().async { [self] in
            let digest = Result {
                try Digest.sha256(of: files) { [self] in !isCancelled.load(ordering: .relaxed) }
            }
            result.withLock { $0 = digest }
            done.signal()
        }
    }

    /// Waits for the digest; to be asked once.
    func value() throws -> String {
        done.wait()
        return try result.withLock { $0 }?.get() ?? ""
    }

    /// Stops soon, when nobody will ask for the digest.
    func cancel() { isCancelled.store(true, ordering: .relaxed) }
}
