import CSystem
import TensorCore

/// A file that has to go when it is not put in place: when something fails, or a signal ends the process.
final class UnfinishedFile {
    let path: String
    private var slot: Int32
    private var isForgotten = false

    init(_ path: String) {
        self.path = path
        slot = system_unfinished(path)
    }

    deinit { remove() }

    func remove() {
        if !isForgotten { unlink(path) }
        forget()
    }

    func forget() {
        system_finished(slot)
        slot = -1
        isForgotten = true
    }
}
