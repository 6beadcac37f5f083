import ViTToolkit

/// The standard streams. Results go to output, everything else to error.
struct Standard: TextOutputStream {
    private let descriptor: Int32

    static let output = Standard(descriptor: STDOUT_FILENO)
    static let error = Standard(descriptor: STDERR_FILENO)

    /// Writes all of the text; a reader that went away ends the command quietly, as other commands do.
    func write(_ string: String) {
        var bytes = Array(string.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { platformWrite(descriptor, $0) }
            if count < 0 {
                if errno == EINTR { continue }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Remarks, a line each.
    static func remark(_ remarks: [String]) {
        for remark in remarks { error.write("remark: \(remark)\n") }
    }

    static func print(_ text: String) { output.write(text + "\n") }
}

private func platformWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
