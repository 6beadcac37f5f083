import Checkpoints

extension Finding {
    /// What is wrong with a file that cannot be read.
    public static func about(_ error: CheckpointError) -> Finding {
        if let truncation = error.truncation {
            return Finding(
                .truncated, "the file is cut short: \(truncation)",
                advice: error.isRemote
                    ? "Take it from elsewhere: what the server has is cut" : "Download it again",
                tensors: [truncation.firstDamagedTensor].compactMap { $0 }, missingBytes: truncation.missing)
        }
        switch error.mistaken {
        case .htmlPage:
            return Finding(
                .htmlPage, "it is a web page: a login, a preview or an error in place of the file",
                advice: "Download the file by its own link (on Hugging Face \"resolve\" in place of \"blob\")"
            )
        case .gitLFSPointer(let count):
            return Finding(
                .gitLFSPointer,
                "it is a pointer of Git LFS"
                    + (count.map { " to a file of \($0) bytes, and not the file" } ?? ", and not the file"),
                advice: "Fetch the file with \"git lfs pull\"")
        case nil:
            let place = [error.part, error.detail].compactMap { $0 }.joined(separator: ": ")
            return Finding(
                .unreadable, place,
                advice: error.kind == .unsupported
                    ? "Save its weights in a form that is read"
                    : error.kind == .damaged
                        ? "Download or save it again" : "Check that it is the file you mean")
        }
    }
}
